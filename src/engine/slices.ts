/** Pixels worked on between two pauses: a few milliseconds of plain arithmetic. */
const slicePixels = 256 * 1024;

/** Calls `visit` for each row, pausing often enough that the server stays responsive. */
export async function eachRow(
  width: number,
  height: number,
  pause: () => Promise<void>,
  visit: (row: number) => void,
): Promise<void> {
  const rowsPerSlice = Math.max(1, Math.floor(slicePixels / Math.max(1, width)));
  for (let row = 0; row < height; row++) {
    if (row > 0 && row % rowsPerSlice === 0) await pause();
    visit(row);
  }
  await pause();
}

/** Calls `visit` for consecutive parts of `length` pixels, pausing between them. */
export async function eachSlice(
  length: number,
  pause: () => Promise<void>,
  visit: (from: number, to: number) => void,
): Promise<void> {
  for (let from = 0; from < length; from += slicePixels) {
    visit(from, Math.min(length, from + slicePixels));
    await pause();
  }
}

/** A channel value as a whole level from 0 to 255, rounded to the nearest. */
export function toLevel(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.round(value);
}
