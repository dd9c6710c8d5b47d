import sharp, { type Sharp } from "sharp";
import { describe, expect, it } from "vitest";

import { imageSizeOf } from "./image-size.ts";

function picture(width = 37, height = 21): Sharp {
  const background = { r: 200, g: 40, b: 90, alpha: 0.5 };
  return sharp({ create: { width, height, channels: 4, background } });
}

describe("the size of an image", () => {
  it.each<[string, () => Promise<Buffer>]>([
    ["a PNG", () => picture().png().toBuffer()],
    ["a JPEG", () => picture().jpeg().toBuffer()],
    ["a progressive JPEG", () => picture().jpeg({ progressive: true }).toBuffer()],
    ["a GIF", () => picture().gif().toBuffer()],
    ["a lossy WebP", () => picture().flatten().webp().toBuffer()],
    ["a lossless WebP", () => picture().webp({ lossless: true }).toBuffer()],
    ["a WebP with alpha", () => picture().webp({ quality: 50 }).toBuffer()],
  ])("is read from %s", async (_, make) => {
    expect(imageSizeOf(await make())).toEqual({ width: 37, height: 21 });
  });

  it("is read from a JPEG behind long metadata", async () => {
    const plain = await picture().jpeg().toBuffer();
    const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0xff, 0xff]), Buffer.alloc(0xfffd)]);
    const padded = Buffer.concat([plain.subarray(0, 2), segment, segment, plain.subarray(2)]);
    expect(imageSizeOf(padded)).toEqual({ width: 37, height: 21 });
    expect(imageSizeOf(padded.subarray(0, 100_000))).toBe("unknown");
  });

  it("is read where a PNG claims more than it holds", async () => {
    const bomb = Buffer.from(await picture().png().toBuffer());
    bomb.writeUInt32BE(30_000, 16).toString();
    bomb.writeUInt32BE(30_000, 20).toString();
    expect(imageSizeOf(bomb)).toEqual({ width: 30_000, height: 30_000 });
  });

  it.each([
    ["text", Buffer.from("a text that is long enough to look at, and then some")],
    ["an MP4", Buffer.from("00000020667479706d703432000000006d70343269736f6d".repeat(2), "hex")],
    ["a broken JPEG", Buffer.concat([Buffer.from([0xff, 0xd8, 1, 2]), Buffer.alloc(60)])],
  ])("is not looked for in %s", (_, bytes) => {
    expect(imageSizeOf(bytes)).toBeUndefined();
  });

  it("is unknown while too few bytes have come", () => {
    expect(imageSizeOf(Buffer.from("89504e47", "hex"))).toBe("unknown");
  });
});
