// Times: relative to now, with the absolute one on hover.

import { html } from "/console/dom.js";
import { language, word } from "/console/words.js";

const UNITS = [["d", 86_400], ["h", 3600], ["m", 60], ["s", 1]];
const JUST_NOW_S = 3;

/** How long ago, and the whole time on hover; a dash when it is not known. */
export function ago(text) {
  if (!text) return html("span", { class: "soft" }, "—");
  const seconds = (Date.now() - Date.parse(text)) / 1000;
  const words = Math.abs(seconds) < JUST_NOW_S ? word("ago.now") : word(...sized("ago", Math.max(0, seconds)));
  return html("time", { datetime: text, title: absolute(text) }, words);
}

/** A length of time in its largest unit. */
export const span = (seconds) => word(...sized("span", seconds));

/** Time of day, and the whole time on hover. */
export function clock(text) {
  return html("time", { datetime: text, title: absolute(text) }, format(text, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }));
}

/** The whole time in words. */
export const absolute = (text) => format(text, { dateStyle: "medium", timeStyle: "medium" });

function format(text, options) {
  return new Intl.DateTimeFormat(language() === "en" ? "en-GB" : "zh-CN", options).format(new Date(text));
}

function sized(kind, seconds) {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? UNITS.at(-1);
  return [`${kind}.${unit}`, { n: Math.floor(seconds / size) }];
}
