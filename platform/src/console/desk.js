// What the platform knows, read where it stands whenever there is news of it.

const STOPS_PAGE = 1000;
const DEVICES_PAGE = 500;
/** Counters have no news of their own. */
const FIGURES_EVERY_MS = 5000;
/** News comes in bursts; each subject is read at most once in this time. */
const SETTLE_MS = 400;
const RETRY_MS = 2000;

/** Everything the console shows. `at` is when the platform last answered. */
export const desk = { devices: [], stops: [], alerts: [], cases: [], bookings: [], feeds: [], counters: new Map(), health: null, lost: false, at: null };

const readers = {
  devices: async () => (desk.devices = await pages("/api/devices", "devices", DEVICES_PAGE)),
  stops: async () => (desk.stops = await pages("/api/stops", "stops", STOPS_PAGE)),
  alerts: async () => (desk.alerts = (await read("/api/alerts")).alerts),
  cases: async () => (desk.cases = (await read("/api/cases")).cases),
  bookings: async () => (desk.bookings = (await read("/api/bookings")).bookings),
  feeds: async () => (desk.feeds = (await read("/api/feeds")).feeds),
  health: async () => (desk.health = await read("/healthz", [503])),
  counters: async () => (desk.counters = parsed(await (await answered("/metrics")).text())),
};

/** Reads everything, then what changes; calls `changed` with the subject each time, and `news` with each piece of news. */
export function watch(changed, news) {
  const due = new Map();
  const refresh = (subject) => {
    if (due.has(subject)) return;
    due.set(subject, setTimeout(async () => {
      due.delete(subject);
      await renew(subject, changed);
    }, SETTLE_MS));
  };
  const all = () => Object.keys(readers).forEach(refresh);
  const listen = () => {
    const source = new EventSource("/api/events");
    const on = (name, subject) => source.addEventListener(name, (event) => {
      if (subject) refresh(subject);
      news(JSON.parse(event.data));
    });
    on("device", "devices");
    on("alerts", "alerts");
    on("feed", "feeds");
    on("board", null);
    source.addEventListener("everything", all);
    source.addEventListener("open", all);
    source.addEventListener("error", () => {
      source.close();
      setTimeout(listen, RETRY_MS);
    });
  };
  setInterval(() => ["health", "counters", "feeds", "cases", "bookings"].forEach(refresh), FIGURES_EVERY_MS);
  all();
  listen();
}

/** JSON of the platform, or an error. */
export async function read(path, alsoFine = []) {
  return (await answered(path, alsoFine)).json();
}

async function renew(subject, changed) {
  try {
    await readers[subject]();
    desk.lost = false;
    desk.at = new Date().toISOString();
  } catch (error) {
    // A refusal concerns one subject; silence concerns all.
    if (error instanceof TypeError) desk.lost = true;
  }
  changed(subject);
}

async function answered(path, alsoFine = []) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok && !alsoFine.includes(answer.status)) throw new Error(`${path}: ${answer.status}`);
  return answer;
}

async function pages(path, name, limit) {
  const all = [];
  let after = "";
  do {
    const page = await read(`${path}?limit=${limit}&after=${encodeURIComponent(after)}`);
    all.push(...page[name]);
    after = page.next;
  } while (after);
  return all;
}

/** Sums of OpenMetrics samples by name, without prefix, suffix and labels. */
function parsed(text) {
  const sums = new Map();
  for (const line of text.split("\n")) {
    const match = /^gulou_(\w+?)(?:_total)?(?:\{.*\})? (\S+)/.exec(line);
    if (match) sums.set(match[1], (sums.get(match[1]) ?? 0) + Number(match[2]));
  }
  return sums;
}
