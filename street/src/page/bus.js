// A bus of the simulation, drawn in its line's colour.

import { inkOn, svg } from "/page/dom.js";

const SIDE_ROOM = 18;

/** A bus seen from the side, its wheels at y 0, its middle at x 0; one in the far lane runs to the left. */
export function drawBus(line, destination, lane) {
  const ink = inkOn(line.colour);
  const body = svg("g", lane === "far" ? {} : { transform: "scale(-1 1)" });
  body.append(
    svg("path", { d: "M-108 -86H114Q122 -86 122 -78V-18Q122 -12 116 -12H-114Q-122 -12 -122 -18V-58Q-120 -80 -108 -86Z", fill: `#${line.colour}` }),
    svg("path", { class: "bus-band", d: "M-104 -86H114Q120 -86 122 -80H-114Q-110 -85 -104 -86Z" }),
    svg("path", { class: "bus-window", d: "M-118 -50L-113 -68Q-111 -74 -106 -74H-92V-46H-118Z" }),
    svg("path", { class: "bus-skirt", d: "M-122 -24H122V-18Q122 -12 116 -12H-114Q-122 -12 -122 -18Z" }),
    svg("path", { class: "bus-light", d: "M-122 -36H-117V-28H-122Z" }),
  );
  for (const x of [-86, -52, -18, 16, 50, 84]) body.append(svg("rect", { class: "bus-window", x, y: -74, width: 28, height: 28, rx: 3 }));
  for (const x of [-78, 72]) {
    body.append(svg("circle", { class: "bus-wheel", cx: x, cy: -13, r: 13 }), svg("circle", { class: "bus-hub", cx: x, cy: -13, r: 5 }));
  }
  const words = svg("text", { class: "bus-number", x: 0, y: -27, "text-anchor": "middle", fill: ink }, line.name, svg("tspan", { class: "bus-destination", dx: 10 }, short(destination)));
  return svg("g", { class: "bus" }, svg("title", {}, `${line.name} ${destination}`), body, words);
}

/** The head of a name, where that fits on the side of a bus; a wide character takes the room of two. */
function short(name) {
  const head = name.split(/[·(（]/)[0].trim();
  const room = [...head].reduce((sum, letter) => sum + (letter > "\u2e7f" ? 2 : 1), 0);
  return room <= SIDE_ROOM ? head : "";
}
