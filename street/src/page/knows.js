// What a sign knows right now, as one sentence a visitor understands.

import { word } from "/page/words.js";

/** The ladder of honesty, best first, with the kind of state each step is. */
export const STEPS = [["live", "good"], ["about", "warn"], ["grey", "warn"], ["table", "idle"], ["none", "bad"]];

/** The sign's own ladder by the age of what it last heard, in seconds; telemetry can't come from a sign that is cut off. */
const AGES = [
  { below: 90, step: "live", kind: "warn", key: "knows.cut" },
  { below: 300, step: "about", kind: "warn", key: "knows.about" },
  { below: 600, step: "grey", kind: "warn", key: "knows.grey" },
  { below: Infinity, step: "table", kind: "idle", key: "knows.table" },
];

/** What each rung says that is no prediction. */
const RUNGS = {
  emergency: { step: null, kind: "bad", key: "knows.emergency" },
  alert: { step: null, kind: "warn", key: "knows.alert" },
  service_ended: { step: "table", kind: "idle", key: "knows.ended" },
  first_departure: { step: "table", kind: "idle", key: "knows.first" },
  headway: { step: "table", kind: "idle", key: "knows.table" },
  timetable: { step: "table", kind: "idle", key: "knows.table" },
  no_data: { step: "none", kind: "bad", key: "knows.none" },
};

/** `{step, kind, text}` of a device that was last in touch `cutFor` seconds ago; null while it is. */
export function knows(device, street, cutFor) {
  if (device.power === "off") return { step: null, kind: "bad", text: word("knows.dark") };
  if (device.process === "dead") return { step: null, kind: "bad", text: word("knows.dead") };
  if (device.role === "terminal") return serves(device, cutFor);
  if (device.process === "starting" || !device.shown) return { step: null, kind: "idle", text: word("knows.starting") };
  const said = RUNGS[device.shown.rung] ?? predicts(device, street, cutFor);
  const texts = [word(said.key)];
  if (device.clock_skew_s) texts.push(word("knows.skew", { skew: skew(device.clock_skew_s) }));
  if (device.disk === "full") texts.push(word("knows.full"));
  return { step: said.step, kind: said.kind, text: texts.join(document.documentElement.lang === "en" ? " " : "") };
}

/** What a terminal can do for people now. */
function serves(device, cutFor) {
  if (device.process === "starting") return { step: null, kind: "idle", text: word("knows.hall.starting") };
  if (cutFor !== null) return { step: null, kind: "warn", text: word("knows.hall.cut") };
  if (device.network === "slow") return { step: null, kind: "warn", text: word("knows.hall.slow") };
  return { step: null, kind: "good", text: word("knows.hall.good") };
}

function predicts(device, street, cutFor) {
  if (cutFor !== null) {
    const tier = AGES.find(({ below }) => cutFor < below);
    return tier.step === "live" && device.network !== "cut" ? { ...tier, key: "knows.centre" } : tier;
  }
  if (device.shown.lines.some((line) => /约|~/.test(line))) return { step: "about", kind: "warn", key: "knows.about" };
  if (device.network === "slow") return { step: "live", kind: "warn", key: "knows.slow" };
  return { step: "live", kind: "good", key: "knows.fresh" };
}

/** How far a clock is off, in words. */
export function skew(seconds) {
  if (!seconds) return word("clock.right");
  const size = Math.abs(seconds);
  const [unit, n] = size >= 3600 ? ["hours", size / 3600] : size >= 60 ? ["minutes", size / 60] : ["seconds", size];
  return word(seconds > 0 ? "clock.fast" : "clock.slow", { span: word(unit, { n: Math.round(n * 10) / 10 }) });
}
