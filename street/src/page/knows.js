// What a sign knows right now, as one sentence a visitor understands.

import { word } from "/page/words.js";

/** The ladder of honesty, best first, with the kind of state each step is. */
export const STEPS = [["live", "good"], ["about", "warn"], ["grey", "warn"], ["table", "idle"], ["none", "bad"]];

const GREY_AFTER_S = 300;
const ON_TABLE = ["timetable", "headway", "first_departure"];

/** `{step, kind, text}` of a device, with `cutFor` seconds since it was last in touch (null when it is). */
export function knows(device, street, cutFor) {
  if (device.power === "off") return { step: null, kind: "bad", text: word("knows.dark") };
  if (device.process === "dead") return { step: null, kind: "bad", text: word("knows.dead") };
  if (device.process === "starting" || !device.shown) return { step: null, kind: "idle", text: word("knows.starting") };
  const said = bySign(device, street, cutFor);
  const texts = [word(said.key)];
  if (device.clock_skew_s) texts.push(word("knows.skew", { skew: skew(device.clock_skew_s) }));
  if (device.disk === "full") texts.push(word("knows.full"));
  return { step: said.step, kind: said.kind, text: texts.join(document.documentElement.lang === "en" ? " " : "") };
}

function bySign(device, street, cutFor) {
  const { rung, lines } = device.shown;
  if (rung === "emergency") return { step: null, kind: "bad", key: "knows.emergency" };
  if (rung === "alert") return { step: null, kind: "warn", key: "knows.alert" };
  if (rung === "service_ended") return { step: "table", kind: "idle", key: "knows.ended" };
  if (ON_TABLE.includes(rung)) return { step: "table", kind: "idle", key: "knows.table" };
  if (rung !== "prediction") return { step: "none", kind: "bad", key: "knows.none" };
  if (lines.some((line) => /约|~/.test(line))) {
    if (cutFor !== null && cutFor > GREY_AFTER_S) return { step: "grey", kind: "warn", key: "knows.grey" };
    return { step: "about", kind: "warn", key: "knows.about" };
  }
  if (device.network === "cut") return { step: "live", kind: "warn", key: "knows.cut" };
  if (!street.platform.running || !street.broker.running) return { step: "live", kind: "warn", key: "knows.centre" };
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
