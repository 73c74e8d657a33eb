// The page: listens to the street and keeps mural, strips and map true to it.

import { html, icon, state } from "/page/dom.js";
import { Glass } from "/page/glass.js";
import { Hall } from "/page/hall.js";
import { knows } from "/page/knows.js";
import { Lines } from "/page/lines.js";
import { Mural, daylight, hang } from "/page/mural.js";
import { ask, listen } from "/page/stream.js";
import { Strip } from "/page/strip.js";
import { fill, language, named, spoken, switchLanguage, word } from "/page/words.js";

const NOTICE_MS = 6000;
const DAY_LUX = 20_000;
const NIGHT_LUX = 5;
const CITY_ZONE = "Asia/Shanghai";

const at = (id) => document.getElementById(id);
const mural = new Mural(at("mural"), lookCloser);
const hall = new Hall(at("hall"), request);
const lines = new Lines(at("map"), at("board"));
const strips = new Map();
const cutSince = new Map();
const shownLast = new Map();
let street = null;
let drawn = null;
let link = "wait";
let near = null;
let doorway = null;
const query = new URLSearchParams(location.search);
/** A sky that was asked for in the address stays, whatever the sensors see. */
const sky = ["day", "dusk", "night"].find((sky) => sky === query.get("sky"));

function show() {
  if (!street) return;
  document.documentElement.dataset.light = sky ?? daylight(street.devices);
  const { placed, rest } = hang(street.devices);
  mural.show(placed.filter(({ device }) => device.role === "sign" || !hall.open), (device) => ({ ...known(device), lines: reported(device) }));
  for (const device of [...placed.map((place) => place.device), ...rest]) stripOf(device).update(device, street, cutFor(device), mural.hash(device.id));
  if (drawn) {
    const stops = new Map(drawn.stops.map((stop) => [stop.id, stop]));
    mural.drive(street.buses, new Map(drawn.lines.map((line) => [line.id, line])), placed, stops);
    lines.drive(street.buses);
  }
  at("bus-count").textContent = word("lines.count", { n: street.buses.length });
  showCentre();
  showWarning();
  showTime();
  showNear();
  showHall();
  if (drawn && placed.every(({ device }) => mural.hash(device.id))) document.body.dataset.ready = "true";
  const dark = document.documentElement.dataset.light === "night";
  at("sky").lastElementChild.textContent = word(dark ? "day" : "night");
  at("sky").firstElementChild.firstElementChild.setAttribute("href", dark ? "#i-light" : "#i-moon");
}

function stripOf(device) {
  if (!strips.has(device.id)) {
    const strip = new Strip(device, request, lookCloser);
    strips.set(device.id, strip);
    at(device.role === "sign" ? "strips" : "doorway").append(strip.node);
  }
  return strips.get(device.id);
}

const known = (device) => knows(device, street, cutFor(device));

/** The words on a glass as the sign reported them; nothing while it can't report. */
function reported(device) {
  if (cutFor(device) !== null || !device.frame) return [];
  return (device.shown?.lines ?? []).map((line) => line.trim().replace(/\s+/g, " "));
}

/** Seconds since a device was last in touch, as far as this page saw it; null while it is. */
function cutFor(device) {
  const inTouch = device.network !== "cut" && street.platform.running && street.broker.running;
  if (inTouch) cutSince.delete(device.id);
  else if (!cutSince.has(device.id)) cutSince.set(device.id, performance.now());
  return inTouch ? null : (performance.now() - cutSince.get(device.id)) / 1000;
}

/** A platform that is down can't tell what its signs show; they go on from what they showed last. */
function keepShown(device) {
  if (device.process !== "running") shownLast.delete(device.id);
  else if (device.shown) shownLast.set(device.id, device.shown);
  else device.shown = shownLast.get(device.id) ?? null;
}

/** For devices that were cut off before this page was there: the platform knows when it last heard of them. */
async function recallCuts(devices) {
  const answer = await fetch("/api/devices").catch(() => null);
  if (!answer?.ok) return;
  for (const told of (await answer.json()).devices) {
    const heard = Math.max(...[told.shown_at, told.health_at].map((time) => Date.parse(time) || 0));
    const cut = devices.some((device) => device.id === told.device && device.network === "cut");
    if (cut && heard) cutSince.set(told.device, performance.now() - (Date.now() - heard));
  }
  show();
}

function showCentre() {
  for (const name of ["platform", "broker"]) {
    let item = at(`centre-${name}`);
    if (!item) {
      const kill = html("button", { type: "button", class: "act", click: () => request(`/street/${name}/kill`) });
      item = html("li", { id: `centre-${name}` }, html("span", { class: "soft" }), html("span", { class: "word" }), kill);
      at("centre").append(item);
    }
    const running = street[name].running;
    item.firstElementChild.textContent = word(name);
    const told = state(running ? "good" : "bad", word(running ? "running" : "stopped"));
    if (item.children[1].innerHTML !== told.outerHTML) item.children[1].replaceChildren(told);
    item.lastElementChild.textContent = word("kill");
    item.lastElementChild.setAttribute("aria-label", word(`kill.${name}`));
  }
  showConsole();
}

/** The typhoon warning goes through the real platform, so its state is what the signs show. */
function showWarning() {
  const raised = street.devices.some((device) => device.shown?.rung === "emergency");
  at("warning").lastElementChild.textContent = word(raised ? "warning.end" : "warning.raise");
  at("warning").dataset.act = raised ? "end" : "raise";
}

/** The console is loaded again when the platform comes back, because its page died with it. */
function showConsole() {
  const frame = at("console");
  frame.hidden = !street.platform.running;
  at("console-down").hidden = street.platform.running;
  at("console-down").textContent = word("console.down");
  if (!street.platform.running) {
    frame.dataset.address = "";
    return;
  }
  const size = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const wanted = `${street.platform.url}?lang=${language()}&light=${document.documentElement.dataset.light}&size=${size}`;
  at("console-open").href = street.platform.url;
  if (frame.dataset.address === wanted) return;
  frame.dataset.address = wanted;
  frame.src = wanted;
}

function showTime() {
  const now = new Date(street.now);
  const say = (options) => new Intl.DateTimeFormat(language() === "en" ? "en-GB" : "zh-CN", { timeZone: CITY_ZONE, ...options }).format(now);
  at("now").textContent = say({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  at("now").dateTime = street.now;
  at("today").textContent = say({ month: "long", day: "numeric", weekday: "long" });
}

function showLink(next) {
  link = next;
  const node = at("link");
  node.hidden = link === "live";
  node.className = `link ${link}`;
  if (link === "live") return;
  node.textContent = street ? word("link.lost", { time: at("now").textContent }) : word(link === "wait" ? "link.wait" : "link.none");
}

/** Asks for something and tells when it is refused. */
async function request(path, body) {
  const reason = await ask(path, body);
  if (reason === null) return;
  // An open dialog lies above everything that is not in it.
  (document.querySelector("dialog[open]") ?? document.body).append(at("notices"));
  const notice = html("p", {}, word("refused", { reason: reason || word("refused.link") }));
  at("notices").append(notice);
  setTimeout(() => notice.remove(), NOTICE_MS);
}

function lookCloser(id) {
  const device = street.devices.find((device) => device.id === id);
  if (device.role === "terminal") return hall.stepUp();
  at("near-glass").replaceChildren();
  near = { id, glass: new Glass(device, at("near-glass")) };
  at("near").showModal();
  showNear();
}

function showNear() {
  const device = near && street.devices.find((device) => device.id === near.id);
  if (!device || !at("near").open) return;
  at("near-title").textContent = `${named(device.place)} · ${named(device.stop)}`;
  near.glass.show(device.frame, at("near").clientWidth - 32);
  const { kind, text } = known(device);
  at("near-words").replaceChildren(state(kind, text), ...reported(device).map((line) => html("span", { class: "soft" }, line)));
}

/** The terminal's glass beside its strip, and the terminal itself while somebody stands at it. */
function showHall() {
  const device = street.devices.find((device) => device.role === "terminal");
  if (!device) return;
  doorway ??= new Glass(device, at("doorway-glass"));
  if (!hall.open) doorway.show(device.frame, at("doorway-glass").clientWidth);
  at("doorway-glass").setAttribute("aria-label", word("hall.step-up"));
  hall.update(street, device);
  if (query.get("at") === "terminal") hall.stepUp();
  query.delete("at");
}

/** The address remembers whether somebody folded the side panel. */
function fold(folded, chosen) {
  document.querySelector(".stage").classList.toggle("folded", folded);
  at("fold").setAttribute("aria-expanded", String(!folded));
  at("fold").lastElementChild.textContent = word(folded ? "side.unfold" : "side.fold");
  if (!chosen) return;
  const address = new URL(location.href);
  address.searchParams.set("side", folded ? "folded" : "open");
  history.replaceState(null, "", address);
}

let folded = query.get("side") === "folded";
at("fold").addEventListener("click", () => fold((folded = !folded), true));
at("language").addEventListener("click", switchLanguage);
at("warning").addEventListener("click", () => request(`/street/warning/${at("warning").dataset.act ?? "raise"}`));
at("doorway-glass").addEventListener("click", () => hall.stepUp());
at("near-close").addEventListener("click", () => at("near").close());
at("sky").addEventListener("click", () => {
  const lux = document.documentElement.dataset.light === "night" ? DAY_LUX : NIGHT_LUX;
  for (const { id, role } of street?.devices ?? []) if (role === "sign") request(`/street/${id}/light?lux=${lux}`);
});
spoken(() => {
  fill();
  document.title = `${word("brand")} · ${word("tagline")}`;
  at("language").textContent = language() === "en" ? "中文" : "English";
  at("language").lang = language() === "en" ? "zh-CN" : "en";
  fold(folded, false);
  hall.speak();
  mural.clear();
  if (drawn) lines.draw({ ...drawn, devices: street.devices });
  showLink(link);
  show();
});
listen((next) => {
  street = next;
  for (const device of street.devices) keepShown(device);
  if (next.lines && next.stops) {
    const first = !drawn;
    drawn = { lines: next.lines, stops: next.stops };
    lines.draw(next);
    if (first) recallCuts(next.devices);
    const stop = next.devices.find((device) => device.stop)?.stop;
    if (first && stop) lines.chooseStop(stop.id);
  }
  show();
}, showLink);
