// The lists beside the map.

import { html, icon, state } from "/console/dom.js";
import { ago, clock } from "/console/time.js";
import { named, word } from "/console/words.js";

/** Names of the lists, in the order of their keys 1 to 6. */
export const LISTS = ["devices", "stops", "alerts", "intake", "cases", "bookings"];

const STOPS_SHOWN = 200;
const CASES = { received: "bad", assigned: "warn", in_progress: "warn", closed: "good" };
const LEVELS = { emergency: "bad", warning: "warn", notice: "idle" };
const COUNTERS = [
  "events", "events_duplicate", "events_early", "events_quarantined", "packets_refused", "store_errors",
  "published", "publish_refused", "shelf_kept", "boards", "link_lost", "broker_restarts",
];

/** Kind of state of a device: good, warn, bad or idle. */
export function kindOf(device) {
  if (device.state === "online") return device.health?.faults?.length ? "warn" : "good";
  return device.state === "offline" ? "bad" : "idle";
}

/** Kind of state of a case. */
export const kindOfCase = (one) => CASES[one.state];

/** Rows of the list `name`, as far as they hold `search`; `open` is called with what a row stands for. */
export function rows(name, desk, search, chosen, open) {
  const holds = (...texts) => texts.join(" ").toLowerCase().includes(search.toLowerCase());
  return { devices, stops, alerts, intake, cases, bookings }[name](desk, holds, chosen, open);
}

function devices(desk, holds, chosen, open) {
  const stopName = (id) => desk.stops.find((stop) => stop.id === id)?.name;
  const found = desk.devices.filter((device) => {
    const stop = stopName(device.stop);
    return holds(device.device, device.stop ?? "", stop?.zh ?? "", stop?.en ?? "");
  });
  if (!found.length) return [empty("none.devices")];
  return found.map((device) => {
    const stop = named(stopName(device.stop)) || device.stop || "";
    const shown = device.shown ? word("device.shows", { rung: word(`rung.${device.shown.rung}`), lines: device.shown.lines.map((line) => line.trim().replace(/\s+/g, " ")).join(" / ") }) : "";
    return row({ device: device.device }, chosen, open,
      html("b", {}, `${device.device}  ${stop}`), html("span", { class: "end" }, state(kindOf(device), word(`state.${device.state}`))),
      html("span", { class: "soft" }, shown || word(`role.${device.role}`)), html("span", { class: "soft end" }, ago(device.shown_at ?? device.seen_at)));
  });
}

function stops(desk, holds, chosen, open) {
  // Where no line calls there is no board: stations that only group their kerbs.
  const found = desk.stops.filter((stop) => stop.lines.length && holds(stop.id, stop.name.zh, stop.name.en));
  if (!found.length) return [empty("none.stops")];
  const rows = found.slice(0, STOPS_SHOWN).map((stop) => row({ stop: stop.id }, chosen, open,
    html("b", {}, named(stop.name)), html("span", { class: "soft end" }, stop.id),
    html("span", { class: "soft" }, stop.lines.join(" · ")), html("span")));
  if (found.length > STOPS_SHOWN) rows.push(html("p", { class: "empty" }, word("more", { n: found.length - STOPS_SHOWN })));
  return rows;
}

function alerts(desk, holds) {
  const found = desk.alerts.filter((alert) => holds(alert.id, alert.headline.zh, alert.headline.en));
  if (!found.length) return [empty("none.alerts")];
  return found.map((alert) => {
    const whom = alert.affects?.length ? word("alert.affects", { n: alert.affects.length }) : word("alert.everyone");
    return html("div", { class: "row still" },
      html("b", {}, named(alert.headline)), html("span", { class: "end" }, state(LEVELS[alert.level], word(`level.${alert.level}`))),
      html("span", { class: "soft" }, whom), html("span", { class: "soft end" }, `${word("alert.until")} `, clock(alert.expires)),
      html("p", {}, named(alert.instruction)));
  });
}

function intake(desk) {
  const counters = html("dl", { class: "facts" });
  for (const name of COUNTERS) {
    if (desk.counters.has(name)) counters.append(html("dt", {}, word(`counter.${name}`)), html("dd", { class: "number" }, desk.counters.get(name).toLocaleString("en")));
  }
  const feeds = desk.feeds.length ? desk.feeds.map(feed) : [empty("none.feeds")];
  return [html("h3", {}, word("feeds")), ...feeds, html("h3", {}, word("counters")), counters];
}

function feed(entry) {
  const told = entry.error ? state("bad", word("feed.failing")) : entry.good_at ? state("good", word("feed.good")) : state("idle", word("feed.waiting"));
  const name = word(`feed.${entry.feed}`);
  return html("div", { class: "row still" },
    html("b", {}, name), html("span", { class: "end" }, told),
    html("span", { class: "soft", title: entry.place }, entry.place), html("span", { class: "soft end" }, `${word("feed.new")} `, ago(entry.new_at)),
    entry.error || entry.errors ? html("p", { class: entry.error ? "bad" : "soft" }, [entry.error, word("feed.errors", { n: entry.errors })].filter(Boolean).join(" · ")) : null);
}

/** What people reported, without what is about a person. */
function cases(desk, holds, chosen, open) {
  const found = desk.cases.filter((one) => holds(one.number, one.category, one.device, word(`case.${one.state}`)));
  if (!found.length) return [empty("none.cases")];
  return found.map((one) => row({ case: one.number }, chosen, open,
    html("b", {}, one.category), html("span", { class: "end" }, state(kindOfCase(one), word(`case.${one.state}`))),
    html("span", { class: "soft" }, `${one.number} · ${one.device}`), html("span", { class: "soft end" }, ago(one.changed_at))));
}

/** Who comes today, in order. */
function bookings(desk, holds) {
  const found = desk.bookings.filter((one) => holds(one.number, one.service, one.time));
  if (!found.length) return [empty("none.bookings")];
  return found.map((one) => html("div", { class: "row still" },
    html("b", { class: "number" }, one.time), html("span", { class: "end" }, state(one.state === "booked" ? "good" : "idle", word(`booking.${one.state}`))),
    html("span", { class: "soft" }, one.service), html("span", { class: "soft end" }, one.number)));
}

function row(subject, chosen, open, ...cells) {
  const key = Object.values(subject)[0];
  return html("button", { type: "button", class: "row", "data-key": key, "aria-current": key === chosen && "true", click: () => open(subject) }, ...cells);
}

const empty = (key) => html("p", { class: "empty" }, word(key));

/** The tabs over the lists, with how many rows each has. */
export function tabs(desk, current, choose) {
  const counts = { devices: desk.devices.length, stops: desk.stops.filter((stop) => stop.lines.length).length, alerts: desk.alerts.length, intake: "", cases: desk.cases.filter((one) => one.state !== "closed").length, bookings: desk.bookings.filter((one) => one.state === "booked").length };
  return LISTS.map((name) => html("button", {
    type: "button", role: "tab", class: "tab", id: `tab-${name}`, "aria-selected": String(name === current), "aria-controls": "list", click: () => choose(name),
  }, icon(name), html("span", {}, word(name)), html("span", { class: "number" }, String(counts[name]))));
}
