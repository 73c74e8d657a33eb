// The control strip under an appliance: what it knows, and what can go wrong with it.

import { html, icon, replace, state } from "/page/dom.js";
import { STEPS, knows, skew } from "/page/knows.js";
import { size } from "/page/glass.js";
import { named, word } from "/page/words.js";

const HOUR_S = 3600;
const LIGHT_EVERY_MS = 250;

/** Kinds of state by what a field says. */
const KINDS = { up: "good", on: "good", running: "good", free: "good", slow: "warn", starting: "warn", full: "warn", cut: "bad", off: "bad", dead: "bad" };

/** Faults that are a state and the acts that change it, in the order they stand. */
const FAULTS = [
  { name: "network", acts: (device) => [device.network === "up" ? "cut" : "heal", "slow"] },
  { name: "power", acts: (device) => [device.power === "on" ? "power-off" : "power-on"] },
  { name: "process", acts: () => ["kill"] },
  { name: "disk", acts: (device) => [device.disk === "free" ? "fill" : "free"] },
];

/** One device's strip. It is built once and then kept true, so that focus stays where it is. */
export class Strip {
  #rows = new Map();
  #device;
  #sign;

  constructor(device, ask, onNear) {
    this.#device = device;
    this.#sign = device.role === "sign";
    this.ask = (act) => ask(`/street/${device.id}/${act}`);
    this.title = html("h2");
    this.what = html("span", { class: "soft" });
    this.near = html("button", { type: "button", class: "act", click: () => onNear(device.id) }, icon("near"), html("span"));
    this.steps = html("ol", { class: "steps" });
    this.text = html("p", { class: "knows", "aria-live": "polite" });
    this.proof = html("p", { class: "proof" });
    const faults = html("div", { class: "faults" });
    for (const { name, acts } of FAULTS) faults.append(this.#row(name, acts(device).length));
    faults.append(this.#row("clock", 2));
    if (this.#sign) faults.append(this.#lightRow());
    this.node = html("section", { class: "strip", id: `strip-${device.id}` },
      html("div", { class: "strip-head" }, this.title, this.near, this.what), this.#sign ? this.steps : null, this.text, faults, this.proof);
  }

  /** Brings the strip up to what the device is now. */
  update(device, street, cutFor, hash) {
    this.#device = device;
    const kind = { led: "panel.led", lcd: "panel.lcd", glass: "panel.glass" }[device.panel.split("-")[0]];
    this.title.textContent = named(device.place);
    this.what.textContent = [named(device.stop), word(kind, { size: size(device.panel).join("×") })].filter(Boolean).join(" · ");
    this.near.lastChild.textContent = word(this.#sign ? "near" : "hall.step-up");
    const known = knows(device, street, cutFor);
    this.text.textContent === known.text || (this.text.textContent = known.text);
    this.steps.setAttribute("aria-label", word("steps"));
    this.steps.replaceChildren(...STEPS.map(([step, kind]) => html("li", { class: kind, "aria-current": known.step === step && "step" }, word(`step.${step}`))));
    for (const { name, acts } of FAULTS) {
      const value = device[name];
      this.#show(name, state(KINDS[value], word(`${name}.${value}`)), acts(device));
    }
    const right = device.clock_skew_s === 0;
    this.#show("clock", state(right ? "good" : "warn", skew(device.clock_skew_s)), [
      { act: `skew?s=${device.clock_skew_s - HOUR_S}`, label: "−1 h", title: word("act.earlier"), of: "skew" },
      right
        ? { act: `skew?s=${HOUR_S}`, label: "+1 h", title: word("act.later"), of: "skew" }
        : { act: "skew?s=0", label: word("act.right"), of: "skew" },
    ]);
    if (this.#sign) this.#showLight(device);
    this.#showProof(device, hash);
  }

  #row(name, buttons) {
    const act = () => html("button", { type: "button", class: "act", click: (event) => this.#press(event.currentTarget) });
    const row = { name: html("span", { class: "name" }), state: html("span"), buttons: Array.from({ length: buttons }, act), why: html("span", { class: "why", hidden: "" }) };
    row.why.id = `why-${this.#device.id}-${name}`;
    this.#rows.set(name, row);
    return html("div", { class: "fault" }, icon(name), row.name, row.state, html("span", { class: "acts" }, ...row.buttons), row.why);
  }

  #show(name, shown, acts) {
    const row = this.#rows.get(name);
    row.name.textContent = word(name);
    if (row.state.innerHTML !== shown.outerHTML) row.state.replaceChildren(shown);
    const reasons = new Set();
    row.buttons.forEach((button, index) => {
      const raw = acts[index];
      const { act, label, title, of } = typeof raw === "string" ? { act: raw, label: word(`act.${raw}`), of: raw } : raw;
      const reason = this.#device.unavailable?.[of] ?? (of === "kill" && this.#device.power === "off" ? word("process.none") : undefined);
      if (reason) reasons.add(reason);
      button.textContent = label;
      button.dataset.act = act;
      button.title = reason || title || "";
      button.setAttribute("aria-label", `${named(this.#device.place)} · ${word(name)}: ${title || label}`);
      button.setAttribute("aria-disabled", String(Boolean(reason)));
      if (reason) button.setAttribute("aria-describedby", row.why.id);
      else button.removeAttribute("aria-describedby");
      if (act === "slow") button.setAttribute("aria-pressed", String(this.#device.network === "slow"));
    });
    row.why.textContent = [...reasons].join(" ");
    row.why.hidden = reasons.size === 0;
  }

  async #press(button) {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    await this.ask(button.dataset.act);
    button.setAttribute("aria-disabled", "false");
  }

  #lightRow() {
    this.lightName = html("span", { class: "name" });
    this.brightness = html("span", { class: "soft" });
    this.lux = html("output");
    let waiting = null;
    // The eye reads light by its logarithm, so the slider runs over powers of ten: 1 to 100,000 lux.
    this.slider = html("input", {
      type: "range", min: "0", max: "5", step: "0.1",
      input: () => {
        this.#sayLux(10 ** Number(this.slider.value));
        waiting ??= setTimeout(() => {
          waiting = null;
          this.ask(`light?lux=${Math.round(10 ** Number(this.slider.value))}`);
        }, LIGHT_EVERY_MS);
      },
    });
    return html("div", { class: "fault" }, icon("light"), this.lightName, this.lux, this.brightness, html("span", { class: "acts" }, this.slider));
  }

  #showLight(device) {
    this.lightName.textContent = word("light");
    this.brightness.textContent = device.frame ? word("brightness", { percent: device.frame.brightness }) : "";
    this.slider.setAttribute("aria-label", word("light.change", { place: named(device.place) }));
    if (document.activeElement === this.slider && this.slider.matches(":active")) return;
    this.slider.value = String(Math.log10(Math.max(1, device.light_lux)));
    this.#sayLux(device.light_lux);
  }

  #sayLux(lux) {
    const digits = Math.max(0, Math.floor(Math.log10(Math.max(1, lux))) - 1);
    const rounded = Math.round(lux / 10 ** digits) * 10 ** digits;
    this.lux.textContent = word("lux", { n: rounded.toLocaleString("en") });
    this.slider.setAttribute("aria-valuetext", this.lux.textContent);
  }

  /** Whether the pixels on this page are the ones that the sign says it drew. */
  #showProof(device, hash) {
    const parts = [];
    if (device.frame) {
      const { sha256 } = device.frame;
      parts.push(hash === sha256 ? state("good", word("frame.same")) : state("idle", word("frame.other")));
      parts.push(html("span", {}, sha256.slice(0, 12)));
      this.proof.title = word("frame.title", { hash: sha256 });
    }
    replace(this.proof, ...parts);
  }
}
