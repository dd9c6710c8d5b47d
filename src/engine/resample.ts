import { eachRow } from "./slices.ts";
import type { Taps } from "./taps.ts";

type Pause = () => Promise<void>;

/**
 * Weighs pixels along both axes: scaling and blurring alike. `frame` has `width` pixels of
 * `channels` bytes a row. Works row by row and keeps only the rows in reach, as floats.
 */
export async function resample(
  frame: Uint8Array,
  width: number,
  channels: number,
  across: Taps,
  down: Taps,
  pause: Pause,
): Promise<Uint8Array> {
  const rowLength = across.length * channels;
  const result = new Uint8ClampedArray(rowLength * down.length);
  const sums = new Float32Array(rowLength);
  const rows = new Map<number, Float32Array>();
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
        source = weighRow(frame.subarray(index * width * channels), channels, across);
        rows.set(index, source);
      }
      for (let at = 0; at < rowLength; at++)
        sums[at] = (sums[at] ?? 0) + (source[at] ?? 0) * weight;
    }
    for (const index of rows.keys()) if (index < lowest) rows.delete(index);
    // A clamped array rounds to the nearest level.
    result.set(sums, row * rowLength);
  });
  return new Uint8Array(result.buffer);
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
