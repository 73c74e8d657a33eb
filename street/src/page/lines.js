// The map of the lines with their moving buses; a stop tells its board.

import { html, inkOn, replace, svg } from "/page/dom.js";
import { Glide } from "/page/glide.js";
import { named, word } from "/page/words.js";

const WIDTH = 440;
const HEIGHT = 384;
const MARGIN = 18;
const BOARD_EVERY_MS = 5000;
const BOARD_ROWS = 6;
const ARRIVING_S = 30;
const PIECES = 6;
/** Half the old town's size in degrees: nearer than this the map is nearly true to scale. */
const OLD_TOWN_DEG = 0.02;
/** The Min river and West Lake, roughly, so that people find their way: longitude and latitude. */
const WATER = [
  { width: 15, points: [[119.22, 26.092], [119.248, 26.077], [119.268, 26.062], [119.288, 26.0525], [119.308, 26.0518], [119.334, 26.053], [119.352, 26.043], [119.372, 26.02], [119.39, 26.0]] },
  { width: 9, points: [[119.2858, 26.0945], [119.2862, 26.0925]] },
];

/** The line map and the board under it. */
export class Lines {
  #map;
  #board;
  #lines = new Map();
  #places = [];
  #buses = new Map();
  #chosen = null;
  #labels = [];

  constructor(map, board) {
    this.#map = map;
    this.#board = board;
    setInterval(() => this.#chosen && this.#look(), BOARD_EVERY_MS);
    const step = (now) => {
      for (const bus of this.#buses.values()) {
        const [x, y] = bus.glide.at(now);
        bus.node.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${bus.bearing})`);
      }
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** Draws lines and stops; `ours` are the stops at which a sign of this street stands. */
  draw(street) {
    this.#lines = new Map(street.lines.map((line) => [line.id, line]));
    this.project = projection(street.lines.flatMap((line) => line.path));
    this.#places = placesOf(street.stops);
    const ours = new Set(street.devices.map((device) => device.stop?.id));
    const water = WATER.map(({ width, points }) => svg("path", { class: "water", d: this.#path(points), "stroke-width": width }));
    const routes = street.lines.map((line) => svg("path", { class: "route", d: this.#path(line.path), stroke: `#${line.colour}` }, svg("title", {}, line.name)));
    this.#labels = [];
    const stops = this.#places.map((place) => this.#stop(place, place.ids.some((id) => ours.has(id))));
    this.traffic = svg("g");
    this.#buses.clear();
    this.#map.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.#map.replaceChildren(...water, ...routes, svg("g", {}, ...stops), this.traffic);
    this.#showBoard();
  }

  #path(ends) {
    // A straight road is a curve on this map, so it is drawn in short pieces.
    const points = ends.flatMap((end, index) => (index ? pieces(ends[index - 1], end) : [end]));
    return points.map((point, index) => `${index ? "L" : "M"}${this.project(point).map((n) => n.toFixed(1)).join(" ")}`).join("");
  }

  #stop(place, ours) {
    const [x, y] = this.project([place.lon, place.lat]);
    const choose = () => this.#choose(place);
    const node = svg("g", {
      class: "stop", transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, tabindex: "0", role: "button",
      "aria-label": word("stop", { name: named(place) }), "aria-pressed": String(this.#chosen?.zh === place.zh),
      click: choose,
      keydown: (event) => (event.key === "Enter" || event.key === " ") && (event.preventDefault(), choose()),
    }, svg("title", {}, named(place)), svg("circle", { class: "hit", r: 8 }), svg("circle", { class: "dot", r: ours ? 5 : 2.6 }));
    if (ours) node.append(svg("circle", { class: "ours", r: 3.5 }), this.#label(named(place).split(/[·(（]/)[0].trim(), x, y));
    place.node = node;
    return node;
  }

  /** A name beside a stop at `x`, `y`, on the first side where it covers no other name. */
  #label(text, x, y) {
    const width = [...text].reduce((sum, letter) => sum + (letter > "\u2e7f" ? 10 : 5.5), 0);
    const sides = [[8, 0], [-8 - width, 0], [-width / 2, -11], [-width / 2, 14]];
    const free = ([dx, dy]) => x + dx > 0 && x + dx + width < WIDTH && this.#labels.every((other) => Math.abs(other.y - y - dy) > 11 || other.x > x + dx + width || other.x + other.width < x + dx);
    const [dx, dy] = sides.find(free) ?? sides[0];
    this.#labels.push({ x: x + dx, y: y + dy, width });
    return svg("text", { class: "label", x: dx, y: dy + 3.5 }, text);
  }

  /** Moves the buses to where they are now. */
  drive(buses) {
    if (!this.project) return;
    const now = performance.now();
    const gone = new Set(this.#buses.keys());
    for (const bus of buses) {
      gone.delete(bus.id);
      const point = this.project([bus.lon, bus.lat]);
      const known = this.#buses.get(bus.id) ?? this.#addBus(bus, new Glide(point, now));
      known.glide.go(point, now);
      known.bearing = Math.round(bus.bearing);
    }
    for (const id of gone) {
      this.#buses.get(id).node.remove();
      this.#buses.delete(id);
    }
  }

  #addBus({ id, line }, glide) {
    const { name, colour } = this.#lines.get(line) ?? { name: line, colour: "52606d" };
    const node = svg("g", { class: "bus" }, svg("path", { d: "M0 -6.500L4.500 5L0 3L-4.500 5Z", fill: `#${colour}` }), svg("title", {}, name));
    this.traffic.append(node);
    const bus = { node, glide };
    this.#buses.set(id, bus);
    return bus;
  }

  /** Chooses the place where the stop `id` is, as if it had been clicked. */
  chooseStop(id) {
    const place = this.#places.find((place) => place.ids.includes(id));
    if (place) this.#choose(place);
  }

  #choose(place) {
    this.#chosen?.node?.setAttribute("aria-pressed", "false");
    this.#chosen = place;
    this.arrivals = null;
    place.node.setAttribute("aria-pressed", "true");
    this.#showBoard();
    this.#look();
  }

  async #look() {
    const place = this.#chosen;
    const one = async (id) => {
      const answer = await fetch(`/api/boards/${encodeURIComponent(id)}`, { cache: "no-store" });
      if (answer.status === 404) return [];
      if (!answer.ok) throw new Error(answer.status);
      return (await answer.json()).arrivals;
    };
    try {
      const boards = await Promise.all(place.ids.map(one));
      if (place === this.#chosen) this.arrivals = boards.flat().sort((a, b) => Date.parse(a.arrives) - Date.parse(b.arrives));
    } catch {
      if (place === this.#chosen) this.arrivals = "lost";
    }
    this.#showBoard();
  }

  #showBoard() {
    if (!this.#chosen) {
      replace(this.#board, html("p", { class: "soft" }, word("board.hint")));
      return;
    }
    const title = html("h3", {}, named(this.#chosen));
    const say = (key) => replace(this.#board, title, html("p", { class: "soft" }, word(key)));
    if (this.arrivals === null) return say("board.wait");
    if (this.arrivals === "lost") return say("board.lost");
    const coming = this.arrivals.filter((arrival) => arrival.at_stop || Date.parse(arrival.arrives) > Date.now());
    if (coming.length === 0) return say("board.none");
    replace(this.#board, title, html("table", {}, html("tbody", {}, ...coming.slice(0, BOARD_ROWS).map(row))));
  }
}

function row(arrival) {
  const away = arrival.stops_away === undefined ? "" : word("board.away", { n: arrival.stops_away + 1 });
  const colour = arrival.line.colour ?? "52606d";
  const plate = html("span", { class: "plate" }, arrival.line.name);
  plate.style.background = `#${colour}`;
  plate.style.color = inkOn(colour);
  return html("tr", {}, html("td", {}, plate), html("td", {}, named(arrival.destination)), html("td", { class: "soft" }, away), html("td", {}, when(arrival)));
}

function when(arrival) {
  if (arrival.at_stop) return word("board.at");
  const seconds = (Date.parse(arrival.arrives) - Date.now()) / 1000;
  return seconds <= ARRIVING_S ? word("board.now") : word("board.minutes", { n: Math.max(1, Math.round(seconds / 60)) });
}

/** Kerbs of one name are one place on the map. */
function placesOf(stops) {
  const places = new Map();
  for (const stop of stops) {
    const place = places.get(stop.zh);
    if (place) place.ids.push(stop.id);
    else places.set(stop.zh, { zh: stop.zh, en: stop.en, lat: stop.lat, lon: stop.lon, ids: [stop.id] });
  }
  return [...places.values()];
}

/** The points that divide the way from `start` to `end` into equal pieces, without `start`. */
function pieces([lon0, lat0], [lon1, lat1]) {
  return Array.from({ length: PIECES }, (_, index) => {
    const share = (index + 1) / PIECES;
    return [lon0 + (lon1 - lon0) * share, lat0 + (lat1 - lat0) * share];
  });
}

/**
 * Fits `points` into the map. Distances from the middle of the city shrink by their inverse hyperbolic sine, so that
 * the narrow old town has room and the long tails stay on the sheet; directions stay as they are.
 */
function projection(points) {
  const middle = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const [lon0, lat0] = [middle(points.map(([lon]) => lon)), middle(points.map(([, lat]) => lat))];
  const squeeze = Math.cos((lat0 * Math.PI) / 180);
  const bent = ([lon, lat]) => {
    const [x, y] = [(lon - lon0) * squeeze, lat0 - lat];
    const far = Math.hypot(x, y) / OLD_TOWN_DEG;
    const share = far ? Math.asinh(far) / far : 1;
    return [x * share, y * share];
  };
  const all = points.map(bent);
  const [xs, ys] = [all.map(([x]) => x), all.map(([, y]) => y)];
  const [west, east, north, south] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = Math.min((WIDTH - 2 * MARGIN) / (east - west), (HEIGHT - 2 * MARGIN) / (south - north));
  const [left, top] = [(WIDTH - (east - west) * scale) / 2, (HEIGHT - (south - north) * scale) / 2];
  return (point) => {
    const [x, y] = bent(point);
    return [left + (x - west) * scale, top + (y - north) * scale];
  };
}
