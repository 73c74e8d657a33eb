// The side sheet: all about one device, one stop or one case.

import { aboutCase } from "/console/case.js";
import { facts, html, inkOn, state } from "/console/dom.js";
import { read } from "/console/desk.js";
import { kindOf } from "/console/lists.js";
import { ago, clock, span } from "/console/time.js";
import { named, word } from "/console/words.js";

const EVENTS_SHOWN = 12;
const HASH_DIGITS = 16;
const ARRIVING_S = 30;
/** Faults that signs report, and what they are called here. */
const FAULTS = [
  [/^no timetable/, "fault.timetable"],
  [/^clock is not trusted/, "fault.clock"],
  [/^clock is (?<seconds>\d+) s behind/, "fault.behind"],
  [/^clock is (?<seconds>\d+) s ahead/, "fault.ahead"],
  [/^no glyph for: (?<glyphs>.*)/, "fault.glyphs"],
];

/** Title and content about `subject`, `{device}`, `{stop}` or `{case}`; reads what the desk does not hold. */
export async function about(subject, desk, redraw) {
  if (subject.case) return aboutCase(subject.case, desk, redraw);
  if (subject.device) return aboutDevice(desk.devices.find((device) => device.device === subject.device), desk);
  return aboutStop(subject.stop, desk);
}

async function aboutDevice(device, desk) {
  if (!device) return null;
  const id = encodeURIComponent(device.device);
  const [{ events }, { commands }, audit] = await Promise.all([
    read(`/api/devices/${id}/events?limit=${EVENTS_SHOWN}`),
    read(`/api/devices/${id}/commands`),
    read(`/api/devices/${id}/events?stream=audit&limit=${EVENTS_SHOWN}`),
  ]);
  const stop = desk.stops.find((stop) => stop.id === device.stop);
  const body = [
    facts([
      [state(kindOf(device), word(`state.${device.state}`)), word(`role.${device.role}`)],
      [word("device.stop"), stop ? named(stop.name) : device.stop],
      [word("device.seen"), ago(device.seen_at)],
      [word("device.software"), device.software],
    ]),
    html("h3", {}, word("device.glass")), ...glass(device),
    html("h3", {}, word("device.health")), ...health(device),
    html("h3", {}, word("device.events")), eventTable(events),
  ];
  if (commands.length) body.push(html("h3", {}, word("device.commands")), commandTable(commands));
  if (audit.events.length) body.push(html("h3", {}, word("device.audit")), auditTable(audit.events));
  return { title: device.device, body };
}

function glass({ shown, shown_at: shownAt }) {
  if (!shown) return [html("p", { class: "glass dark" }, word("device.dark"))];
  return [
    html("p", { class: "glass" }, shown.lines.join("\n")),
    facts([
      [word(`rung.${shown.rung}`), html("span", {}, `${word("device.shown_at")} `, ago(shownAt))],
      [word("device.board"), shown.board_made_at && ago(shown.board_made_at)],
      [word("device.hash"), html("code", { title: shown.frame_sha256 }, shown.frame_sha256.slice(0, HASH_DIGITS))],
      [word("device.content"), html("code", {}, shown.content_id)],
    ]),
  ];
}

function health({ health, health_at: healthAt }) {
  if (!health) return [html("p", { class: "empty" }, "—")];
  const faults = health.faults?.length
    ? health.faults.map((fault) => html("li", {}, state("warn", inWords(fault))))
    : [html("li", {}, state("good", word("device.no_faults")))];
  return [
    html("ul", { class: "faults" }, ...faults),
    facts([
      [word("device.uptime"), span(health.uptime_s)],
      [word("device.light"), health.light_lux !== undefined && `${Math.round(health.light_lux).toLocaleString("en")} lx`],
      [word("device.brightness"), health.brightness_percent !== undefined && `${health.brightness_percent} %`],
      [word("device.outbox"), String(health.outbox_rows)],
      [word("device.health_at"), ago(healthAt)],
    ]),
  ];
}

/** A fault in the language of the console; the device's own words where it has none. */
function inWords(fault) {
  for (const [pattern, key] of FAULTS) {
    const found = pattern.exec(fault);
    if (found) return word(key, found.groups);
  }
  return fault;
}

function eventTable(events) {
  if (!events.length) return html("p", { class: "empty" }, word("device.no_events"));
  return table(null, events.map((event) => [
    [word(`event.${event.kind}`), "strong"], [told(event), "soft"], [html("code", { class: "soft" }, `${event.epoch}.${event.seq}`)], [ago(event.happened_at)],
  ]));
}

/** An event in a few words. */
function told({ kind, payload }) {
  if (kind === "gulou.shown.v1") return payload.lines?.[0] ?? "";
  if (kind === "gulou.gap.v1") return word("event.gap", { n: payload.count, reason: payload.reason });
  if (kind === "gulou.health.v1") return payload.faults?.[0] ? inWords(payload.faults[0]) : "";
  return payload.state ?? "";
}

function commandTable(commands) {
  return table(null, commands.slice(0, EVENTS_SHOWN).map((ordered) => [
    [ordered.kind ?? ordered.command?.kind, "strong"], [ordered.state], [ordered.detail, "soft"], [ago(ordered.changed_at)],
  ]));
}

/** What staff did; the device sends codes only. */
function auditTable(events) {
  return table(null, events.map(({ kind, payload, happened_at: happenedAt }) => [
    [payload.what ?? word(`event.${kind}`), "strong"], [payload.who], [payload.item, "soft"], [ago(happenedAt)],
  ]));
}

async function aboutStop(id, desk) {
  const stop = desk.stops.find((stop) => stop.id === id);
  const board = await read(`/api/boards/${encodeURIComponent(id)}`);
  const here = desk.devices.filter((device) => device.stop === id);
  const arrivals = board.arrivals.filter((arrival) => arrival.at_stop || Date.parse(arrival.arrives) > Date.now());
  const heads = ["board.line", "board.destination", "board.away", "board.source", "board.when"].map((key) => word(key));
  const body = [
    facts([
      [word("stop.lines"), stop?.lines.join(" · ")],
      [word("stop.devices"), here.map((device) => device.device).join(" · ")],
      [word("board.made"), ago(board.made_at)],
      [word("board.expires"), clock(board.expires)],
    ]),
    arrivals.length ? table(heads, arrivals.map(arrivalRow)) : html("p", { class: "empty" }, word("board.none")),
  ];
  return { title: `${named(board.name)}  ${id}`, body };
}

function arrivalRow(arrival) {
  const colour = arrival.line.colour ?? "52606d";
  const plate = html("span", { class: "plate" }, arrival.line.name);
  plate.style.background = `#${colour}`;
  plate.style.color = inkOn(colour);
  const away = arrival.stops_away === undefined ? "" : word("board.stops", { n: arrival.stops_away + 1 });
  const source = html("span", {}, word(`source.${arrival.source}`), " ", ago(arrival.observed_at));
  return [[plate], [named(arrival.destination)], [away, "soft"], [source, "soft"], [when(arrival), "strong"]];
}

function when(arrival) {
  if (arrival.at_stop) return word("board.at");
  const seconds = (Date.parse(arrival.arrives) - Date.now()) / 1000;
  const words = seconds <= ARRIVING_S ? word("board.now") : word("board.minutes", { n: Math.max(1, Math.round(seconds / 60)) });
  const time = clock(arrival.arrives);
  time.textContent = words;
  return time;
}

/** Rows of `[content, class]` cells under `heads`, where there are any. */
function table(heads, rows) {
  const head = heads && html("thead", {}, html("tr", {}, ...heads.map((text) => html("th", { scope: "col" }, text))));
  const body = rows.map((cells) => html("tr", {}, ...cells.map(([content, kind]) => html("td", { class: kind }, content ?? ""))));
  return html("table", {}, head, html("tbody", {}, ...body));
}
