import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { joinAnimation } from "./animated-png.ts";
import { solidPng } from "./engine-client.suite.ts";
import { readChunks, withText } from "./png-chunks.ts";
import { writeSafetensors } from "./safetensors.ts";

describe("PNG text", () => {
  it("stands before the pixels, in ASCII, and leaves the picture readable", async () => {
    const png = withText(await solidPng(2, 2, [1, 2, 3]), [
      ["prompt", JSON.stringify({ text: "é😀" })],
      [`${"k".repeat(200)}\0`, "long"],
    ]);
    const chunks = readChunks(png);
    expect(chunks.slice(0, 3).map(({ type }) => type)).toEqual(["IHDR", "tEXt", "tEXt"]);
    const text = Buffer.from(chunks[1]?.data ?? []).toString("latin1");
    expect(text).toBe(String.raw`prompt${"\0"}{"text":"\u00e9\ud83d\ude00"}`);
    expect(Buffer.from(chunks[2]?.data ?? []).indexOf(0)).toBe(79);
    expect((await sharp(png).raw().toBuffer()).subarray(0, 3)).toEqual(Buffer.from([1, 2, 3]));
    // What other readers see.
    const { comments } = await sharp(png).metadata();
    expect(comments?.map(({ keyword }) => keyword)).toContain("prompt");
  });

  it("is refused for what is no PNG", () => {
    expect(() => withText(Buffer.from("GIF89a, surely"), [])).toThrow(RangeError);
  });
});

describe("an animated PNG", () => {
  it("numbers its frames and starts with a still that every reader shows", async () => {
    const frames = [await solidPng(2, 2, [255, 0, 0]), await solidPng(2, 2, [0, 255, 0])];
    const png = joinAnimation(frames, 166);
    const types = readChunks(png).map(({ type }) => type);
    expect(types).toEqual(["IHDR", "acTL", "fcTL", "IDAT", "fcTL", "fdAT", "IEND"]);
    const sequence = readChunks(png)
      .filter(({ type }) => type === "fcTL" || type === "fdAT")
      .map(({ data }) => Buffer.from(data).readUInt32BE(0));
    expect(sequence).toEqual([0, 1, 2]);
    expect((await sharp(png).raw().toBuffer()).subarray(0, 3)).toEqual(Buffer.from([255, 0, 0]));
  });
});

describe("a safetensors file", () => {
  it("has a header length, a JSON header and the floats behind it", () => {
    const values = Float32Array.from([1, -2.5]);
    const file = writeSafetensors(new Map([["latent_tensor", { shape: [1, 2], values }]]), {
      prompt: "{}",
    });
    const length = Number(file.readBigUInt64LE(0));
    expect(length % 8).toBe(0);
    expect(JSON.parse(file.toString("utf8", 8, 8 + length))).toEqual({
      __metadata__: { prompt: "{}" },
      latent_tensor: { dtype: "F32", shape: [1, 2], data_offsets: [0, 8] },
    });
    expect([file.readFloatLE(8 + length), file.readFloatLE(12 + length)]).toEqual([1, -2.5]);
  });
});
