// Every text of the console, in Chinese and English, and which of them is spoken now.

const table = await (await fetch("/console/words.json")).json();
const asked = new URLSearchParams(location.search).get("lang");
let at = asked === "en" ? 1 : 0;
const listeners = [];

/** Code of the language in use: `zh` or `en`. */
export const language = () => (at ? "en" : "zh");

/** The text `key` in the language in use; `{name}` is taken from `values`. */
export function word(key, values = {}) {
  const text = table[key]?.[at] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** The half of a `{zh, en}` pair that is in use. */
export const named = (pair) => (pair ? pair[language()] || pair.zh || pair.en || "" : "");

/** Calls `listener` now and whenever the language changes. */
export function spoken(listener) {
  listeners.push(listener);
  listener();
}

/** Changes to the other language and keeps that in the address. */
export function switchLanguage() {
  at = 1 - at;
  const address = new URL(location.href);
  address.searchParams.set("lang", language());
  history.replaceState(null, "", address);
  for (const listener of listeners) listener();
}

/** Fills everything in the document that names its text. */
export function fill(root = document) {
  document.documentElement.lang = at ? "en" : "zh-CN";
  for (const node of root.querySelectorAll("[data-word]")) node.textContent = word(node.dataset.word);
  for (const node of root.querySelectorAll("[data-label]")) node.setAttribute("aria-label", word(node.dataset.label));
  for (const node of root.querySelectorAll("[data-title]")) node.title = word(node.dataset.title);
}
