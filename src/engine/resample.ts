import { eachRow } from "./slices.ts";
import type { Taps } from "./taps.ts";

type Pause = () => Promise<void>;

/** How pixels are weighed along both axes. */
export interface Weighing {
  readonly across: Taps;
  readonly down: Taps;
  /** Rounds between the axes too, as libraries do that scale whole bytes. */
  readonly roundsBetween?: boolean;
}

/**
 * Weighs pixels along both axes: scaling and blurring alike. `frame` has `width` pixels of
 * `channels` bytes a row. Levels are rounded to the nearest.
 */
export async function resample(
  frame: Uint8Array,
  width: number,
  channels: number,
  weighing: Weighing,
  pause: Pause,
): Promise<Uint8Array> {
  const rowLength = weighing.across.length * channels;
  // A clamped array rounds to the nearest level.
  const result = new Uint8ClampedArray(rowLength * weighing.down.length);
  await weighRows(frame, width, channels, weighing, pause, (row, sums) => {
    result.set(sums, row * rowLength);
  });
  return new Uint8Array(result.buffer);
}

/** Like `resample`, but hands out each row unrounded; `sums` is reused for the next row. */
export async function weighRows(
  frame: Uint8Array,
  width: number,
  channels: number,
  { across, down, roundsBetween = false }: Weighing,
  pause: Pause,
  emit: (row: number, sums: Float32Array) => void,
): Promise<void> {
  const rowLength = across.length * channels;
  const sums = new Float32Array(rowLength);
  // Only the rows in reach are kept.
  const rows = new Map<number, Float32Array | Uint8ClampedArray>();
  // The work of a row grows with the taps, so pause accordingly often.
  const effort = across.length * Math.max(across.count, down.count);
  await eachRow(effort, down.length, pause, (row) => {
    sums.fill(0);
    let lowest = Number.POSITIVE_INFINITY;
    for (let step = 0; step < down.count; step++) {
      const weight = down.weights[row * down.count + step] ?? 0;
      const index = down.indexes[row * down.count + step] ?? 0;
      lowest = Math.min(lowest, index);
      if (weight === 0) continue;
      let source = rows.get(index);
      if (source === undefined) {
        const weighed = weighRow(frame.subarray(index * width * channels), channels, across);
        source = roundsBetween ? Uint8ClampedArray.from(weighed) : weighed;
        rows.set(index, source);
      }
      addWeighted(sums, source, weight);
    }
    for (const index of rows.keys()) if (index < lowest) rows.delete(index);
    emit(row, sums);
  });
}

function addWeighted(
  sums: Float32Array,
  row: Float32Array | Uint8ClampedArray,
  weight: number,
): void {
  for (let at = 0; at < sums.length; at++) sums[at] = (sums[at] ?? 0) + (row[at] ?? 0) * weight;
}

function weighRow(row: Uint8Array, channels: number, across: Taps): Float32Array {
  const result = new Float32Array(across.length * channels);
  for (let at = 0; at < across.length; at++) {
    for (let step = at * across.count; step < (at + 1) * across.count; step++) {
      const weight = across.weights[step] ?? 0;
      const source = (across.indexes[step] ?? 0) * channels;
      for (let channel = 0; channel < channels; channel++) {
        const target = at * channels + channel;
        result[target] = (result[target] ?? 0) + (row[source + channel] ?? 0) * weight;
      }
    }
  }
  return result;
}
