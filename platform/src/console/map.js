// The map: every stop as a dot, every device as its state's shape.

import { svg } from "/console/dom.js";
import { named, word } from "/console/words.js";

const MARGIN = 26;
const LABEL_GAP = 9;
/** On a map wider than this every place with a device has its name beside it. */
const NAMED_WIDTH = 600;
/** Shapes of states, about 0 0: circle, triangle, square, ring. */
const SHAPES = {
  good: "M0 -6A6 6 0 1 1 -.01 -6Z",
  warn: "M0 -6.500L6 4.500H-6Z",
  bad: "M-5.500 -5.500H5.500V5.500H-5.500Z",
  idle: "M0 -6A6 6 0 1 1 -.01 -6ZM0 -3A3 3 0 1 0 .01 -3Z",
};

/** Draws `stops` and the devices at them into `node`; `choose` gets the identifiers of a place that is chosen. */
export function draw(node, stops, devices, chosen, kindOf, choose) {
  const { width, height } = node.getBoundingClientRect();
  const places = placesOf(stops.filter((stop) => stop.lat !== undefined && stop.lon !== undefined));
  if (!places.length || !width || !height) return node.replaceChildren();
  const project = projection(places, width, height);
  node.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const marks = places.map((place) => {
    const here = devices.filter((device) => place.ids.includes(device.stop));
    return { here: here.length, node: mark(place, here, project(place), place.ids.includes(chosen), width > NAMED_WIDTH, kindOf, choose) };
  });
  const roads = svg("path", { class: "road", d: links(places).map(([from, to]) => `M${project(from).map(Math.round)}L${project(to).map(Math.round)}`).join("") });
  // Places with devices stand above the others.
  node.replaceChildren(roads, ...marks.sort((a, b) => a.here - b.here).map((mark) => mark.node));
}

function mark(place, here, [x, y], chosen, roomy, kindOf, choose) {
  const act = () => choose(place.ids);
  const node = svg("g", {
    class: "stop", transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, tabindex: "0", role: "button",
    "aria-label": word("stop.label", { name: named(place.name), lines: place.lines.size }), "aria-pressed": String(chosen), click: act,
    keydown: (event) => (event.key === "Enter" || event.key === " ") && (event.preventDefault(), act()),
  }, svg("title", {}, named(place.name)), svg("circle", { class: "hit", r: 9 }), svg("circle", { class: "dot", r: here.length ? 10 : 2.5 + Math.min(place.lines.size, 6) * 0.35 }));
  for (const device of here) node.append(svg("path", { class: `device ${kindOf(device)}`, d: SHAPES[kindOf(device)] }));
  if (chosen || (roomy && here.length)) node.append(svg("text", { class: "label", x: LABEL_GAP + 4, y: 4 }, named(place.name)));
  return node;
}

/** Kerbs of one name are one place on the map. */
function placesOf(stops) {
  const places = new Map();
  for (const stop of stops) {
    const place = places.get(stop.name.zh) ?? { name: stop.name, lat: stop.lat, lon: stop.lon, ids: [], lines: new Set() };
    place.ids.push(stop.id);
    for (const line of stop.lines) place.lines.add(line);
    places.set(stop.name.zh, place);
  }
  return [...places.values()];
}

/**
 * Pairs of places that some line joins. The feed's stops know their lines but not the way between them;
 * the shortest tree over a line's stops comes near enough to show which part of the city it serves.
 */
function links(places) {
  const byLine = new Map();
  for (const place of places) {
    for (const line of place.lines) byLine.set(line, [...(byLine.get(line) ?? []), place]);
  }
  const apart = (a, b) => Math.hypot(a.lat - b.lat, a.lon - b.lon);
  return [...byLine.values()].flatMap((stops) => {
    const joined = [stops[0]];
    const left = new Set(stops.slice(1));
    const pairs = [];
    while (left.size) {
      let best = null;
      for (const to of left) {
        for (const from of joined) {
          if (!best || apart(from, to) < best.length) best = { from, to, length: apart(from, to) };
        }
      }
      pairs.push([best.from, best.to]);
      joined.push(best.to);
      left.delete(best.to);
    }
    return pairs;
  });
}

/** Fits places into the map; distances shrink outwards by their inverse hyperbolic sine, so that the centre has room. */
function projection(places, width, height) {
  const middle = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const [lon0, lat0] = [middle(places.map((place) => place.lon)), middle(places.map((place) => place.lat))];
  const squeeze = Math.cos((lat0 * Math.PI) / 180);
  const offsets = places.map((place) => [(place.lon - lon0) * squeeze, lat0 - place.lat]);
  const near = middle(offsets.map(([x, y]) => Math.hypot(x, y))) || 1;
  const bent = ([x, y]) => {
    const far = Math.hypot(x, y) / near;
    const share = far ? Math.asinh(far) / far : 1;
    return [x * share, y * share];
  };
  const all = offsets.map(bent);
  const [xs, ys] = [all.map(([x]) => x), all.map(([, y]) => y)];
  const [west, east, north, south] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = Math.min((width - 2 * MARGIN) / (east - west || 1), (height - 2 * MARGIN) / (south - north || 1));
  return (place) => {
    const [x, y] = bent([(place.lon - lon0) * squeeze, lat0 - place.lat]);
    return [width / 2 + (x - (west + east) / 2) * scale, height / 2 + (y - (north + south) / 2) * scale];
  };
}
