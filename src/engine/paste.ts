interface Point {
  readonly x: number;
  readonly y: number;
}

/** Copies a smaller frame into a larger one, in place; it must fit. */
export function pasteFrame(
  target: Uint8Array,
  targetWidth: number,
  source: Uint8Array,
  sourceWidth: number,
  at: Point,
  channels: number,
): void {
  const rowLength = sourceWidth * channels;
  for (let row = 0; row * rowLength < source.length; row++) {
    const start = ((at.y + row) * targetWidth + at.x) * channels;
    target.set(source.subarray(row * rowLength, (row + 1) * rowLength), start);
  }
}
