const gibibyteBytes = 1024 ** 3;

/** Upper bounds of the VRAM classes; what needs more than the last one is in a class of its own. */
const vramClassBytes: readonly number[] = [8, 12, 16, 24, 32, 48, 80].map(
  (gibibytes) => gibibytes * gibibyteBytes,
);

/** The least class whose cards hold `bytes`: 0 for up to 8 GiB, 7 for more than 80 GiB. */
export function vramClassOf(bytes: number): number {
  const index = vramClassBytes.findIndex((bound) => bytes <= bound);
  return index === -1 ? vramClassBytes.length : index;
}
