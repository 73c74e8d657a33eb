// The terminal's glass at arm's length: it shows every picture at once, and feels the mouse as a finger.

const WIDTH = 1080;
const HEIGHT = 1920;
const RETRY_MS = 500;

/** Keys of a keyboard that stand for keys of the tactile keypad while the glass has the focus. */
const KEYS = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right", Enter: "select", Backspace: "back", F1: "help" };

/** The glass of the terminal in `canvas`; `press` presses a key of its keypad, `onSettled` hears when a picture stays. */
export class Touchscreen {
  #canvas;
  #picture = new OffscreenCanvas(WIDTH, HEIGHT);
  #sequence = null;
  #asking = null;
  #settling = null;
  #onSettled;

  constructor(canvas, press, onSettled) {
    this.#canvas = canvas;
    this.#onSettled = onSettled;
    const finger = new Finger();
    const touch = (contact, event) => {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      const place = (share, size) => Math.min(size - 1, Math.max(0, Math.round(share * size)));
      finger.put({ x: place((event.clientX - left) / width, WIDTH), y: place((event.clientY - top) / height, HEIGHT), contact });
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      touch("down", event);
    });
    canvas.addEventListener("pointermove", (event) => canvas.hasPointerCapture(event.pointerId) && touch("move", event));
    // A press ends in exactly one of these.
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => canvas.hasPointerCapture(event.pointerId) && touch("up", event));
    canvas.addEventListener("keydown", (event) => {
      const key = KEYS[event.key];
      if (!key) return;
      event.preventDefault();
      if (!event.repeat) press(key);
    });
    new ResizeObserver(() => this.#draw()).observe(canvas);
  }

  /** Follows the glass until `close`. */
  open() {
    if (this.#asking) return;
    this.#asking = new AbortController();
    this.#follow(this.#asking.signal);
  }

  close() {
    this.#asking?.abort();
    this.#asking = null;
    this.#sequence = null;
    clearTimeout(this.#settling);
  }

  async #follow(signal) {
    while (!signal.aborted) {
      try {
        const after = this.#sequence === null ? "" : `?after=${this.#sequence}`;
        const answer = await fetch(`/terminal/glass.rgb${after}`, { signal });
        if (answer.status === 204) continue;
        if (!answer.ok) throw new Error(answer.status);
        const pixels = new Uint8Array(await answer.arrayBuffer());
        this.#sequence = answer.headers.get("x-frame-sequence");
        this.#paint(pixels);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  #paint(rgb) {
    const context = this.#picture.getContext("2d", { willReadFrequently: true });
    const image = context.createImageData(WIDTH, HEIGHT);
    const words = new Uint32Array(image.data.buffer);
    for (let from = 0, to = 0; to < words.length; from += 3, to += 1) {
      words[to] = 0xff000000 | (rgb[from + 2] << 16) | (rgb[from + 1] << 8) | rgb[from];
    }
    context.putImageData(image, 0, 0);
    this.#draw();
    this.#canvas.dataset.sequence = this.#sequence;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(this.#onSettled, RETRY_MS);
  }

  #draw() {
    const canvas = this.#canvas;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#picture, 0, 0, canvas.width, canvas.height);
  }
}

/** Sends touches one after the other, so that none overtakes another. */
class Finger {
  #waiting = [];
  #busy = false;

  put(touch) {
    // Of two moves that wait only the later one matters.
    if (touch.contact === "move" && this.#waiting.at(-1)?.contact === "move") this.#waiting.pop();
    this.#waiting.push(touch);
    this.#send();
  }

  async #send() {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#waiting.length) {
      const body = JSON.stringify(this.#waiting.shift());
      await fetch("/terminal/touch", { method: "POST", headers: { "content-type": "application/json" }, body }).catch(() => null);
    }
    this.#busy = false;
  }
}
