// Even movement between two places that are only heard of now and then.

const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const LONGEST_MS = 6000;
const SHORTEST_MS = 150;

/** A point on its way; it takes as long to the next place as that took to be heard of. */
export class Glide {
  #from;
  #to;
  #heard;
  #lasts = SHORTEST_MS;

  constructor(point, now) {
    this.#from = this.#to = point;
    this.#heard = now;
  }

  /** Sends it to `point`, heard of at `now` in milliseconds. */
  go(point, now) {
    if (point.every((value, index) => value === this.#to[index])) return;
    this.#from = this.at(now);
    this.#to = point;
    this.#lasts = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, now - this.#heard));
    this.#heard = now;
  }

  /** Where it is at `now`. */
  at(now) {
    const share = STILL.matches ? 1 : Math.min(1, (now - this.#heard) / this.#lasts);
    return this.#to.map((value, index) => this.#from[index] + (value - this.#from[index]) * share);
  }
}
