import { eachSlice } from "./slices.ts";

type Pause = () => Promise<void>;

export type Colour = readonly [red: number, green: number, blue: number];

/** Colours of nearly the same kind, counted: 64 levels a channel. */
interface Bin {
  readonly mean: Colour;
  readonly count: number;
}

/** Answers that are remembered at a time. */
const maxKnown = 1_000_000;
const binBits = 6;
const dropBits = 8 - binBits;

/**
 * At most `count` colours that stand for a frame's: by median cut, or exactly its own colours when
 * they are few enough.
 */
export async function choosePalette(
  frame: Uint8Array,
  count: number,
  pause: Pause,
): Promise<Colour[]> {
  const few = await fewColours(frame, count, pause);
  if (few !== undefined) return few;
  const boxes = [await countBins(frame, pause)];
  while (boxes.length < count) {
    const { at, axis } = widestBox(boxes);
    const halves = axis === undefined ? undefined : split(boxes[at] ?? [], axis);
    if (halves === undefined) break;
    boxes.splice(at, 1, ...halves);
  }
  return boxes.map(meanColour);
}

/** The frame's own colours if they are no more than `limit`. */
async function fewColours(
  frame: Uint8Array,
  limit: number,
  pause: Pause,
): Promise<Colour[] | undefined> {
  const found = new Set<number>();
  await eachSlice(frame.length / 3, pause, (from, to) => {
    for (let at = from * 3; at < to * 3 && found.size <= limit; at += 3) {
      found.add(((frame[at] ?? 0) << 16) | ((frame[at + 1] ?? 0) << 8) | (frame[at + 2] ?? 0));
    }
  });
  if (found.size > limit) return undefined;
  return [...found].map((key): Colour => [key >> 16, (key >> 8) & 255, key & 255]);
}

async function countBins(frame: Uint8Array, pause: Pause): Promise<Bin[]> {
  const size = 1 << (binBits * 3);
  const counts = new Float64Array(size);
  const sums = [new Float64Array(size), new Float64Array(size), new Float64Array(size)] as const;
  await eachSlice(frame.length / 3, pause, (from, to) => {
    for (let at = from * 3; at < to * 3; at += 3) {
      const [red, green, blue] = [frame[at] ?? 0, frame[at + 1] ?? 0, frame[at + 2] ?? 0];
      const bin =
        ((red >> dropBits) << (2 * binBits)) |
        ((green >> dropBits) << binBits) |
        (blue >> dropBits);
      counts[bin] = (counts[bin] ?? 0) + 1;
      sums[0][bin] = (sums[0][bin] ?? 0) + red;
      sums[1][bin] = (sums[1][bin] ?? 0) + green;
      sums[2][bin] = (sums[2][bin] ?? 0) + blue;
    }
  });
  const bins: Bin[] = [];
  for (const [bin, count] of counts.entries()) {
    if (count === 0) continue;
    const [red, green, blue] = sums.map((sum) => (sum[bin] ?? 0) / count);
    bins.push({ mean: [red ?? 0, green ?? 0, blue ?? 0], count });
  }
  return bins;
}

/** The box whose longest side, weighed by its pixels, is worth a cut most; no axis when none is. */
function widestBox(boxes: readonly (readonly Bin[])[]): {
  at: number;
  axis: 0 | 1 | 2 | undefined;
} {
  let best: { at: number; axis: 0 | 1 | 2 | undefined; worth: number } = {
    at: 0,
    axis: undefined,
    worth: 0,
  };
  for (const [at, box] of boxes.entries()) {
    const pixels = box.reduce((sum, { count }) => sum + count, 0);
    for (const axis of [0, 1, 2] as const) {
      let [low, high] = [255, 0];
      for (const { mean } of box) {
        low = Math.min(low, mean[axis]);
        high = Math.max(high, mean[axis]);
      }
      const worth = box.length > 1 ? (high - low) * Math.sqrt(pixels) : 0;
      if (worth > best.worth) best = { at, axis, worth };
    }
  }
  return best;
}

/** Cuts a box in two at its median pixel along an axis. */
function split(box: readonly Bin[], axis: 0 | 1 | 2): [Bin[], Bin[]] | undefined {
  const sorted = [...box].sort((a, b) => a.mean[axis] - b.mean[axis]);
  const half = sorted.reduce((sum, { count }) => sum + count, 0) / 2;
  let [at, passed] = [0, 0];
  while (at < sorted.length - 1 && passed < half) {
    passed += sorted[at]?.count ?? 0;
    at++;
  }
  return sorted.length < 2 ? undefined : [sorted.slice(0, at), sorted.slice(at)];
}

function meanColour(box: readonly Bin[]): Colour {
  const pixels = box.reduce((sum, { count }) => sum + count, 0);
  const mean = (axis: 0 | 1 | 2): number =>
    Math.round(box.reduce((sum, bin) => sum + bin.mean[axis] * bin.count, 0) / pixels);
  return [mean(0), mean(1), mean(2)];
}

/** Finds the palette's nearest colour, remembering what was asked before. */
export class NearestColour {
  readonly #palette: readonly Colour[];
  readonly #known = new Map<number, Colour>();

  constructor(palette: readonly Colour[]) {
    this.#palette = palette;
  }

  find(red: number, green: number, blue: number): Colour {
    const key = (red << 16) | (green << 8) | blue;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    let best: Colour = [red, green, blue];
    let bestDistance = Number.POSITIVE_INFINITY;
    for (const colour of this.#palette) {
      const distance = (colour[0] - red) ** 2 + (colour[1] - green) ** 2 + (colour[2] - blue) ** 2;
      if (distance < bestDistance) [best, bestDistance] = [colour, distance];
    }
    if (this.#known.size >= maxKnown) this.#known.clear();
    this.#known.set(key, best);
    return best;
  }
}
