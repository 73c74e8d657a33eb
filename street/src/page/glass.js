// The live glass of a sign: every LED as a round dot of its pixel's colour, an LCD as it is.

const UNLIT = "#191d20";
const DOT_SHARE = 0.84;

/** Draws the newest frame of one device into an element that fits a given width. */
export class Glass {
  #device;
  #hash = null;
  #image = null;
  #drawnAt = 0;

  constructor(device, node) {
    this.#device = device.id;
    this.led = device.panel.startsWith("led");
    [this.columns, this.rows] = size(device.panel);
    this.canvas = document.createElement("canvas");
    this.canvas.dataset.device = device.id;
    node.append(this.canvas);
  }

  /** Width in CSS pixels that this glass takes of `room`: whole device pixels per LED, so that dots stay even. */
  width(room) {
    const ratio = window.devicePixelRatio || 1;
    if (!this.led) return Math.floor(room);
    return (Math.max(2, Math.floor((room * ratio) / this.columns)) * this.columns) / ratio;
  }

  /** Fits the glass into `room` CSS pixels and shows `frame`; null is a dark glass. */
  async show(frame, room) {
    const width = this.width(room);
    const hash = frame ? frame.sha256 : "";
    if (hash === this.#hash && width === this.#drawnAt) return;
    if (hash !== this.#hash) {
      this.#hash = hash;
      try {
        const fetched = frame ? await fetchFrame(this.#device, hash) : { image: null, hash: "" };
        this.#image = fetched.image;
        this.canvas.dataset.sha256 = fetched.hash;
      } catch {
        this.#hash = null;
        return;
      }
    }
    this.#drawnAt = width;
    this.#draw(width);
  }

  #draw(width) {
    const ratio = window.devicePixelRatio || 1;
    const canvas = this.canvas;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round((canvas.width * this.rows) / this.columns);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${canvas.height / ratio}px`;
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = !this.led;
    context.imageSmoothingQuality = "high";
    if (this.led) {
      this.#drawDots(context, canvas.width / this.columns);
    } else if (this.#image) {
      context.drawImage(this.#image, 0, 0, canvas.width, canvas.height);
    } else {
      context.fillStyle = UNLIT;
      context.fillRect(0, 0, canvas.width, canvas.height);
    }
  }

  #drawDots(context, cell) {
    const { width, height } = context.canvas;
    context.fillStyle = context.createPattern(dot(cell), "repeat");
    if (this.#image) {
      context.drawImage(this.#image, 0, 0, width, height);
      context.globalCompositeOperation = "destination-in";
      context.fillRect(0, 0, width, height);
      context.globalCompositeOperation = "lighter";
    }
    const unlit = new OffscreenCanvas(width, height);
    const below = unlit.getContext("2d");
    below.fillStyle = UNLIT;
    below.fillRect(0, 0, width, height);
    below.globalCompositeOperation = "destination-in";
    below.fillStyle = below.createPattern(dot(cell), "repeat");
    below.fillRect(0, 0, width, height);
    context.drawImage(unlit, 0, 0);
    context.globalCompositeOperation = "source-over";
  }
}

/** Columns and rows of a panel such as `led-128x32`. */
export function size(panel) {
  return panel.split("-")[1].split("x").map(Number);
}

const newest = new Map();

/** The frame of a device with this hash; all glasses of the device share one answer. */
function fetchFrame(device, hash) {
  const known = newest.get(device);
  if (known?.hash === hash) return known.frame;
  const frame = loadFrame(device, hash);
  newest.set(device, { hash, frame });
  frame.catch(() => newest.delete(device));
  return frame;
}

/** The newest frame of a device, and the SHA-256 of its pixels as they arrived here: proof of what is shown. */
async function loadFrame(device, hash) {
  const answer = await fetch(`/street/${device}/frame.png?sha256=${hash}`);
  if (!answer.ok) throw new Error(answer.status);
  const image = await createImageBitmap(await answer.blob(), { colorSpaceConversion: "none" });
  return { image, hash: await pixelHash(image) };
}

/** SHA-256 of the RGB bytes, row by row, as the sign itself hashes its frame. */
async function pixelHash(image) {
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const colours = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    colours[to++] = data[from];
    colours[to++] = data[from + 1];
    colours[to++] = data[from + 2];
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", colours));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const dots = new Map();

/** One LED, `cell` device pixels wide. */
function dot(cell) {
  if (!dots.has(cell)) {
    const canvas = new OffscreenCanvas(cell, cell);
    const context = canvas.getContext("2d");
    context.arc(cell / 2, cell / 2, (cell / 2) * (cell < 4 ? 0.95 : DOT_SHARE), 0, 2 * Math.PI);
    context.fill();
    dots.set(cell, canvas);
  }
  return dots.get(cell);
}
