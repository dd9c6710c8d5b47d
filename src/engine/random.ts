/** Seeded numbers for noise: the same seed gives the same numbers on every machine. */
export class SeededRandom {
  #state: number;

  /** `seed` may be any finite number; its 53 significant bits all count. */
  constructor(seed: number) {
    const high = Math.floor(seed / 2 ** 32) >>> 0;
    this.#state = ((seed >>> 0) ^ Math.imul(high, 0x9e3779b1)) >>> 0;
  }

  /** A uniform number from 0 up to 1 (the mulberry32 generator). */
  uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A number of the normal distribution with mean 0 and deviation 1. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }
}
