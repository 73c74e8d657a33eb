// In front of the terminal: its glass in full, its keypad, and the bench beside it.

import { Bench } from "/page/bench.js";
import { html, svg } from "/page/dom.js";
import { Touchscreen } from "/page/touchscreen.js";
import { fill, named, word } from "/page/words.js";

/** The keypad as it hangs under the glass, with the signs that can be felt on its keys. */
const KEYPAD = [
  ["left", "M15 5L8 12L15 19"], ["up", "M5 15L12 8L19 15"], ["down", "M5 9L12 16L19 9"], ["right", "M9 5L16 12L9 19"],
  ["select", "M12 5A7 7 0 1 1 11.990 5Z"], ["back", "M10 6L4 12L10 18M4 12H20"],
  ["help", "M8.500 9A3.500 3.500 0 1 1 12 12.500V15M12 19V19.010"], ["rate", "M4 6L11 12L4 18ZM12 6L19 12L12 18Z"],
  ["volume-down", "M4 10V14H8L13 18V6L8 10ZM17 12H21"], ["volume-up", "M4 10V14H8L13 18V6L8 10ZM17 12H21M19 10V14"],
  ["pause", "M8 6V18M16 6V18"],
];

/** The dialog in which one stands at the terminal. */
export class Hall {
  #dialog;
  #keys = new Map();

  constructor(dialog, ask) {
    this.#dialog = dialog;
    const at = (id) => document.getElementById(id);
    const press = (key) => ask(`/terminal/keys/${key}`);
    this.bench = new Bench(at("bench"), ask);
    this.screen = new Touchscreen(at("touchscreen"), press, () => this.#read());
    for (const [name, path] of KEYPAD) {
      const button = html("button", { type: "button", class: "key", id: `key-${name}`, click: () => press(name) }, svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: path })));
      this.#keys.set(name, button);
      at("keypad").append(button);
    }
    at("hall-close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      this.screen.close();
      remember(false);
    });
  }

  get open() {
    return this.#dialog.open;
  }

  /** Steps up to the terminal. */
  stepUp() {
    if (this.open) return;
    this.#dialog.showModal();
    this.screen.open();
    document.getElementById("touchscreen").focus({ focusVisible: false });
    remember(true);
  }

  update(street, device) {
    document.getElementById("hall-title").textContent = named(device.place);
    document.getElementById("hall-off").hidden = device.process === "running";
    document.getElementById("hall-off").textContent = word(device.power === "off" ? "hall.off" : "hall.starting");
    this.bench.update(street.bench);
  }

  speak() {
    for (const [name, key] of this.#keys) {
      key.title = word(`key.${name}`);
      key.setAttribute("aria-label", word(`key.${name}`));
    }
    fill(this.#dialog);
    this.bench.speak();
  }

  /** What a telephone reads off the glass, and what the terminal tells somebody who can't see it. */
  async #read() {
    const [codes, outline] = await Promise.all(["codes", "outline"].map((what) => fetch(`/terminal/${what}`).catch(() => null)));
    if (codes?.ok) this.bench.showCodes((await codes.json()).codes);
    if (!outline?.ok) return;
    const parts = (await outline.json()).parts.filter(({ inner, seen }) => !inner && seen.width > 0);
    const words = parts.map(({ label, description, value }) => [label, value, description].filter(Boolean).join(", ")).filter(Boolean);
    document.getElementById("glass-words").replaceChildren(...words.map((text) => html("li", {}, text)));
  }
}

/** The address remembers whether somebody stands at the terminal. */
function remember(there) {
  const address = new URL(location.href);
  if (there) address.searchParams.set("at", "terminal");
  else address.searchParams.delete("at");
  history.replaceState(null, "", address);
}
