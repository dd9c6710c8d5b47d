/** For each output position, `count` input positions and their weights, flattened. */
export interface Taps {
  readonly length: number;
  readonly count: number;
  readonly indexes: Int32Array;
  readonly weights: Float32Array;
}

export const scaleMethods = ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"] as const;

export type ScaleMethod = (typeof scaleMethods)[number];

type Tap = readonly [index: number, weight: number];

/**
 * The taps that scale one axis. Conventions are those of ComfyUI's methods: pixel centres aligned,
 * borders repeated, bicubic with a = -0.75; only "area" and "lanczos" smooth when they shrink.
 */
export function computeScaleTaps(method: ScaleMethod, from: number, to: number): Taps {
  const ratio = from / to;
  const last = from - 1;
  const clamp = (index: number): number => Math.min(last, Math.max(0, index));
  const tapsAt: Record<ScaleMethod, (at: number) => Tap[]> = {
    "nearest-exact": (at) => [[clamp(Math.floor((at + 0.5) * ratio)), 1]],
    bilinear: (at) => {
      const centre = Math.max(0, (at + 0.5) * ratio - 0.5);
      const first = Math.floor(centre);
      const share = centre - first;
      return [
        [clamp(first), 1 - share],
        [clamp(first + 1), share],
      ];
    },
    area: (at) => {
      const first = Math.floor(at * ratio);
      const end = Math.min(from, Math.ceil((at + 1) * ratio));
      const count = Math.max(1, end - first);
      return Array.from({ length: count }, (_, step): Tap => [clamp(first + step), 1 / count]);
    },
    bicubic: (at) => {
      const centre = (at + 0.5) * ratio - 0.5;
      const first = Math.floor(centre);
      return [-1, 0, 1, 2].map((step): Tap => {
        return [clamp(first + step), cubic(Math.abs(centre - first - step))];
      });
    },
    lanczos: (at) => lanczosTaps(at, ratio, from),
  };
  return flatten(Array.from({ length: to }, (_, at) => tapsAt[method](at)));
}

function cubic(distance: number): number {
  const a = -0.75;
  if (distance <= 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  if (distance >= 2) return 0;
  return ((distance - 5) * distance + 8) * distance * a - 4 * a;
}

function lanczosTaps(at: number, ratio: number, from: number): Tap[] {
  const stretch = Math.max(1, ratio);
  const support = 3 * stretch;
  const centre = (at + 0.5) * ratio;
  const first = Math.max(0, Math.floor(centre - support + 0.5));
  const end = Math.min(from, Math.floor(centre + support + 0.5));
  const taps: Tap[] = [];
  let sum = 0;
  for (let index = first; index < end; index++) {
    const weight = lanczos((index - centre + 0.5) / stretch);
    sum += weight;
    taps.push([index, weight]);
  }
  return taps.map(([index, weight]): Tap => [index, weight / sum]);
}

function lanczos(x: number): number {
  if (x === 0) return 1;
  if (x <= -3 || x >= 3) return 0;
  const angle = Math.PI * x;
  return (3 * Math.sin(angle) * Math.sin(angle / 3)) / (angle * angle);
}

/**
 * The taps of ComfyUI's Gaussian: a kernel of `2 × radius + 1` samples spread over -1 to 1, so
 * `sigma` is relative to the radius; borders are mirrored.
 */
export function computeBlurTaps(radius: number, sigma: number, length: number): Taps {
  const kernel = Array.from({ length: radius * 2 + 1 }, (_, index) => {
    const x = (index - radius) / radius;
    return Math.exp(-(x * x) / (2 * sigma * sigma));
  });
  const sum = kernel.reduce((total, weight) => total + weight, 0);
  const rows = Array.from({ length }, (_, at) =>
    kernel.map((weight, index): Tap => [mirror(at + index - radius, length), weight / sum]),
  );
  return flatten(rows);
}

/** The position inside 0…length-1 that a mirror at both borders shows; borders are not doubled. */
function mirror(index: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const inside = ((index % period) + period) % period;
  return inside < length ? inside : period - inside;
}

function flatten(rows: readonly (readonly Tap[])[]): Taps {
  const count = rows.reduce((largest, taps) => Math.max(largest, taps.length), 1);
  const indexes = new Int32Array(rows.length * count);
  const weights = new Float32Array(rows.length * count);
  for (const [at, taps] of rows.entries()) {
    const fallback = taps[0]?.[0] ?? 0;
    for (let step = 0; step < count; step++) {
      // Short rows are filled with a weight of 0.
      const [index, weight] = taps[step] ?? [fallback, 0];
      indexes[at * count + step] = index;
      weights[at * count + step] = weight;
    }
  }
  return { length: rows.length, count, indexes, weights };
}
