// The console: shows the desk, and follows the keyboard.

import { leaveCase } from "/console/case.js";
import { desk, watch } from "/console/desk.js";
import { html, icon, replace, state } from "/console/dom.js";
import { LISTS, kindOf, rows, tabs } from "/console/lists.js";
import { draw } from "/console/map.js";
import { about } from "/console/sheet.js";
import { clock } from "/console/time.js";
import { fill, language, spoken, switchLanguage, word } from "/console/words.js";

/** Relative times grow old by themselves. */
const REDRAW_EVERY_MS = 5000;

const at = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const root = document.documentElement;
let list = LISTS.includes(query.get("list")) ? query.get("list") : LISTS[0];
let subject = null;
let opener = null;
let drawn = null;

const chosen = () => subject?.device ?? subject?.stop ?? subject?.case ?? null;

function show() {
  showHealth();
  showFigures();
  showList();
  showMap();
  at("clock").replaceChildren(clock(new Date().toISOString()));
}

function showHealth() {
  const told = desk.lost
    ? state("bad", word(desk.at ? "health.lost" : "health.wait", { time: desk.at ? clock(desk.at).textContent : "" }))
    : desk.health
      ? state(desk.health.status === "ok" ? "good" : "bad", [word(`health.${desk.health.status}`), ...desk.health.reasons].join(" · "))
      : state("idle", word("health.wait"));
  replace(at("health"), told);
  at("health").title = desk.health?.remarks.join("\n") ?? "";
}

function showFigures() {
  const online = desk.devices.filter((device) => device.state === "online").length;
  const faulty = desk.devices.filter((device) => device.health?.faults?.length).length;
  const failing = desk.feeds.filter((feed) => feed.error).length;
  const loud = desk.alerts.some((alert) => alert.level === "emergency");
  const quarantined = desk.counters.get("events_quarantined") ?? 0;
  const figures = [
    ["devices", `${online} / ${desk.devices.length}`, online < desk.devices.length ? "warn" : "good"],
    ["faults", faulty, faulty ? "warn" : ""],
    ["alerts", desk.alerts.length, loud ? "bad" : desk.alerts.length ? "warn" : ""],
    ["feeds", failing, failing ? "bad" : ""],
    ["events", (desk.counters.get("events") ?? 0).toLocaleString("en"), ""],
    ["quarantined", quarantined.toLocaleString("en"), quarantined ? "warn" : ""],
  ];
  replace(at("figures"), ...figures.map(([name, value, kind]) => html("div", {}, html("dt", {}, word(`figure.${name}`)), html("dd", { class: kind }, String(value)))));
}

function showList() {
  refill(at("tabs"), tabs(desk, list, chooseList));
  refill(at("list"), rows(list, desk, at("search").value, chosen(), open));
  at("list").setAttribute("aria-labelledby", `tab-${list}`);
}

/** Replaces rows when they changed, and gives the focus back to the row that had it. */
function refill(node, children) {
  const focused = node.contains(document.activeElement) ? [...node.children].indexOf(document.activeElement) : -1;
  replace(node, ...children);
  if (focused >= 0 && !node.contains(document.activeElement)) node.children[focused]?.focus();
}

function showMap() {
  if (at("map").contains(document.activeElement)) return;
  const stop = subject?.stop ?? desk.devices.find((device) => device.device === subject?.device)?.stop;
  const { width, height } = at("map").getBoundingClientRect();
  const looks = JSON.stringify([desk.stops.length, desk.devices.map((device) => [device.device, device.stop, kindOf(device)]), stop, language(), width, height]);
  if (looks === drawn) return;
  drawn = looks;
  draw(at("map"), desk.stops, desk.devices, stop, kindOf, (ids) => {
    const device = desk.devices.find((device) => ids.includes(device.stop));
    open(device ? { device: device.device } : { stop: ids[0] });
  });
}

function chooseList(name) {
  list = name;
  remember("list", name);
  showList();
}

/** Opens the sheet about a device, a stop or a case. */
async function open(next) {
  opener ??= document.activeElement;
  subject = next;
  await showSheet();
  at("sheet-title").focus();
}

async function showSheet() {
  if (!subject) return;
  const asked = subject;
  const content = await about(asked, desk, showSheet).catch(() => null);
  if (asked !== subject) return;
  if (!content) return close();
  at("sheet-title").textContent = content.title;
  replace(at("sheet-body"), ...content.body);
  at("sheet").hidden = false;
  at("desk").classList.add("detailed");
  showList();
  showMap();
}

function close() {
  subject = null;
  leaveCase();
  at("sheet").hidden = true;
  at("desk").classList.remove("detailed");
  showList();
  showMap();
  if (opener?.isConnected) opener.focus();
  else at("list").querySelector("button")?.focus();
  opener = null;
}

function remember(name, value) {
  const address = new URL(location.href);
  address.searchParams.set(name, value);
  history.replaceState(null, "", address);
}

function showSky() {
  const dark = root.dataset.light === "night";
  at("sky").lastElementChild.textContent = word(dark ? "day" : "night");
  at("sky").setAttribute("aria-label", word(dark ? "day" : "night"));
  at("sky").replaceChild(icon(dark ? "light" : "moon"), at("sky").firstElementChild);
}

function sky(light) {
  root.dataset.light = light;
  remember("light", light);
  showSky();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input");
  if (event.key === "Escape") return typing && at("search").value ? ((at("search").value = ""), showList()) : close();
  if (event.key === "ArrowDown" || event.key === "ArrowUp") return step(event);
  if (typing) return;
  if (event.key === "/") {
    event.preventDefault();
    at("search").focus();
  } else if (LISTS[Number(event.key) - 1]) chooseList(LISTS[Number(event.key) - 1]);
});

/** Moves the focus to the next or previous row of the list. */
function step(event) {
  const all = [...at("list").querySelectorAll("button")];
  if (!all.length || at("sheet").contains(document.activeElement)) return;
  event.preventDefault();
  const now = all.indexOf(document.activeElement);
  const next = event.key === "ArrowDown" ? Math.min(now + 1, all.length - 1) : Math.max(now - 1, 0);
  all[next].focus();
}

// A page that shows the console in a frame knows how large its own text is.
if (Number(query.get("size")) > 0) root.style.fontSize = `${Number(query.get("size"))}px`;
root.dataset.light = query.get("light") === "night" ? "night" : "day";
at("sky").addEventListener("click", () => sky(root.dataset.light === "night" ? "day" : "night"));
at("language").addEventListener("click", switchLanguage);
at("sheet-close").addEventListener("click", close);
at("search").addEventListener("input", showList);
new ResizeObserver(showMap).observe(at("map").parentElement);
setInterval(() => (show(), showSheet()), REDRAW_EVERY_MS);
spoken(() => {
  fill();
  document.title = word("brand");
  at("search").placeholder = word("search");
  at("search").setAttribute("aria-label", word("search"));
  at("language").textContent = language() === "en" ? "中文" : "English";
  showSky();
  show();
  showSheet();
});
watch(
  (read) => {
    show();
    if (read === "devices" && subject?.device) showSheet();
  },
  (news) => news.what === "board" && news.id === subject?.stop && showSheet(),
);
