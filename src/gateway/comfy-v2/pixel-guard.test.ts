import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";

import sharp from "sharp";
import { describe, expect, it } from "vitest";

import { PixelGuard } from "./pixel-guard.ts";

const create = { width: 40, height: 25, channels: 3, background: "red" } as const;

/** Sends bytes through a guard in pieces of a size. */
async function guarded(bytes: Buffer, pieceBytes: number, maxPixels: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    pieces.push(bytes.subarray(at, at + pieceBytes));
  }
  return pipeline(Readable.from(pieces), new PixelGuard(maxPixels), (stream) => buffer(stream));
}

describe("the guard against image bombs", () => {
  it.each([1, 7, 29, 100_000])("passes an image on in pieces of %i bytes", async (pieceBytes) => {
    const bytes = await sharp({ create }).png().toBuffer();
    expect((await guarded(bytes, pieceBytes, 1_000)).equals(bytes)).toBe(true);
  });

  it.each([1, 29, 100_000])("refuses too many pixels in pieces of %i bytes", async (pieceBytes) => {
    const bytes = await sharp({ create }).jpeg().toBuffer();
    await expect(guarded(bytes, pieceBytes, 999)).rejects.toMatchObject({
      code: "image_too_large",
      details: { field: "file", width: 40, height: 25, limitPixels: 999 },
    });
  });

  it("passes on what is no image, however short", async () => {
    for (const text of ["", "x", "x".repeat(300_000)]) {
      expect((await guarded(Buffer.from(text), 1_000, 1)).toString()).toBe(text);
    }
  });

  it("refuses a JPEG that hides its size behind megabytes of metadata", async () => {
    const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0xff, 0xff]), Buffer.alloc(0xfffd)]);
    const padding: Buffer[] = Array.from({ length: 80 }, () => segment);
    const bytes = Buffer.concat([Buffer.from([0xff, 0xd8]), ...padding]);
    await expect(guarded(bytes, 65_536, 1_000)).rejects.toMatchObject({
      code: "invalid_request",
      details: { field: "file" },
    });
  });
});
