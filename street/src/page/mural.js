// The drawing: where each sign hangs, which light falls, which buses pass.

import { drawBus } from "/page/bus.js";
import { html, icon } from "/page/dom.js";
import { Glass } from "/page/glass.js";
import { Glide } from "/page/glide.js";
import { named, word } from "/page/words.js";

const WIDTH = 1600;
const HEIGHT = 720;
/** Where a glass hangs, in units of the drawing: its middle, its top and its room; `road` is whether it stands at the kerb. */
const SLOTS = [
  { for: "glass-1080x1920", x: 356, y: 454, room: 62, kiosk: true },
  { for: "led-128x32", x: 222, y: 346, room: 420, road: true },
  { for: "led-192x64", x: 762, y: 312, room: 626, road: true },
  { for: "led-128x32", x: 1344, y: 196, room: 420 },
  { for: "lcd-1920x360", x: 1344, y: 350, room: 492, road: true },
];
const DUSK_LUX = 400;
const NIGHT_LUX = 40;
/** A bus within so many metres of a sign's stop, along and across its way, is in the picture. */
const NEAR_M = { along: 300, across: 40 };
const UNITS_PER_M = 1.6;
const FADE_M = 60;
const BUS_GAP = 262;
const LANES = { far: 647, near: 715 };
const EARTH_M = 6_371_000;

/** Puts devices where their panel belongs; `rest` is what finds no place. */
export function hang(devices) {
  const left = [...devices];
  const take = (fits) => {
    const index = left.findIndex(fits);
    return index < 0 ? null : left.splice(index, 1)[0];
  };
  const placed = SLOTS.map((slot) => ({ slot, device: take((device) => device.panel === slot.for) }));
  for (const place of placed) place.device ??= take(() => true);
  return { placed: placed.filter((place) => place.device), rest: left };
}

/** `day`, `dusk` or `night`, by the middle of what the signs' sensors see. */
export function daylight(devices) {
  const lux = devices.filter((device) => device.role === "sign").map((device) => device.light_lux).sort((a, b) => a - b);
  const middle = lux[Math.floor(lux.length / 2)] ?? DUSK_LUX;
  if (middle < NIGHT_LUX) return "night";
  return middle < DUSK_LUX ? "dusk" : "day";
}

/** The mural with its live signs and its traffic. */
export class Mural {
  #node;
  #signs = new Map();
  #traffic;
  #buses = new Map();
  #onNear;

  constructor(node, onNear) {
    this.#node = node;
    this.#traffic = node.querySelector("#traffic");
    this.#onNear = onNear;
    new ResizeObserver(() => this.#refit()).observe(node);
    const step = (now) => {
      for (const bus of this.#buses.values()) bus.node.setAttribute("transform", `translate(${bus.glide.at(now)[0].toFixed(1)} ${LANES[bus.lane]})`);
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** Shows the signs as they are now; `about` gives the kind of state of a device, the sentence and the words on its glass. */
  show(placed, about) {
    for (const { slot, device } of placed) {
      const sign = this.#signs.get(device.id) ?? this.#add(slot, device);
      sign.device = device;
      const place = named(device.place);
      const { kind, text, lines } = about(device);
      sign.node.setAttribute("aria-label", word("glass", { place, lines: lines.join(", ") || text }));
      sign.node.title = word(slot.kiosk ? "hall.step-up" : "near");
      if (sign.told !== kind + place) {
        sign.told = kind + place;
        sign.tab.replaceChildren(icon(kind, `shape ${kind}`), place);
      }
      this.#fit(sign);
    }
  }

  #add(slot, device) {
    const bezel = html("span", { class: "bezel" });
    const tab = html("span", { class: "tab" });
    const node = html("button", { type: "button", class: slot.kiosk ? "hung kiosk" : "hung", id: `glass-${device.id}`, click: () => this.#onNear(device.id) }, bezel, tab);
    node.style.left = `${(slot.x / WIDTH) * 100}%`;
    node.style.top = `${(slot.y / HEIGHT) * 100}%`;
    this.#node.append(node);
    const sign = { slot, node, tab, glass: new Glass(device, bezel), device };
    this.#signs.set(device.id, sign);
    return sign;
  }

  #fit(sign) {
    sign.glass.show(sign.device.frame, (sign.slot.room / WIDTH) * this.#node.clientWidth);
  }

  #refit() {
    for (const sign of this.#signs.values()) this.#fit(sign);
  }

  /** The SHA-256 of the pixels that stand on a device's glass here; undefined before the first frame. */
  hash(id) {
    return this.#signs.get(id)?.glass.canvas.dataset.sha256;
  }

  /** Takes the buses off the road; they come back with the next word of them, in the language then in use. */
  clear() {
    for (const bus of this.#buses.values()) bus.node.remove();
    this.#buses.clear();
  }

  /** Lets the buses pass that are near one of the signs' stops. */
  drive(buses, lines, placed, stops) {
    const seen = new Set();
    const lanes = { far: [], near: [] };
    for (const bus of buses) {
      const passes = placed
        .filter(({ slot }) => slot.road)
        .map(({ slot, device }) => ({ slot, ...passing(bus, stops.get(device.stop.id)) }))
        .filter((pass) => Math.abs(pass.along) < NEAR_M.along && Math.abs(pass.across) < NEAR_M.across)
        .sort((a, b) => Math.abs(a.along) - Math.abs(b.along));
      if (!passes.length) continue;
      // Traffic keeps to the right and we look from the other pavement: who calls here comes from the right.
      const lane = passes[0].across > 0 ? "far" : "near";
      seen.add(bus.id);
      lanes[lane].push({ id: bus.id, x: between(passes, lane), lane, bus, share: Math.min(1, (NEAR_M.along - Math.abs(passes[0].along)) / FADE_M) });
    }
    for (const lane of Object.values(lanes)) {
      lane.sort((a, b) => a.x - b.x);
      lane.forEach((one, index) => (one.x = index ? Math.max(one.x, lane[index - 1].x + BUS_GAP) : one.x));
      for (const one of lane) this.#place(one, lines.get(one.bus.line));
    }
    for (const [id, bus] of this.#buses) {
      if (seen.has(id)) continue;
      bus.node.remove();
      this.#buses.delete(id);
    }
  }

  #place({ id, x, lane, bus, share }, line) {
    let known = this.#buses.get(id);
    if (!known || known.lane !== lane) {
      known?.node.remove();
      known = { node: drawBus(line ?? { name: bus.line, colour: "52606d" }, named(bus.destination), lane), lane, glide: new Glide([x], performance.now()) };
      this.#buses.set(id, known);
      if (lane === "far") this.#traffic.prepend(known.node);
      else this.#traffic.append(known.node);
    }
    known.glide.go([x], performance.now());
    known.node.setAttribute("opacity", share.toFixed(2));
  }
}

/** Where a bus is in the drawing; between two stops the nearer one weighs more, so that it leaves one for the other evenly. */
function between(passes, lane) {
  const ahead = lane === "far" ? 1 : -1;
  let [sum, weights] = [0, 0];
  for (const { slot, along, across } of passes) {
    if (across > 0 !== (lane === "far")) continue;
    const weight = 1 / Math.max(1, along * along);
    sum += (slot.x + along * UNITS_PER_M * ahead) * weight;
    weights += weight;
  }
  return sum / weights;
}

/** How far ahead of a bus a stop lies, and how far to its right, in metres. */
function passing(bus, stop) {
  if (!stop) return { along: Infinity, across: Infinity };
  const radians = Math.PI / 180;
  const north = (stop.lat - bus.lat) * radians * EARTH_M;
  const east = (stop.lon - bus.lon) * radians * EARTH_M * Math.cos(stop.lat * radians);
  const [sin, cos] = [Math.sin(bus.bearing * radians), Math.cos(bus.bearing * radians)];
  return { along: east * sin + north * cos, across: east * cos - north * sin };
}
