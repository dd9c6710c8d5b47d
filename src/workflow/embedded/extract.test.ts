import { readFile } from "node:fs/promises";
import { deflateSync, inflateSync } from "node:zlib";

import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";

import type { JsonObject } from "../../kernel/json.ts";
import { extractWorkflows, type EmbeddedWorkflows } from "./extract.ts";

const prompt: JsonObject = {
  "1": { class_type: "EmptyImage", inputs: { width: 16, height: 16, text: "é ☃" } },
};
const workflow: JsonObject = { nodes: [{ id: 1, type: "EmptyImage" }], links: [], version: 0.4 };

function inflate(bytes: Uint8Array, maxBytes: number): Uint8Array | undefined {
  try {
    return inflateSync(bytes, { maxOutputLength: maxBytes });
  } catch {
    return undefined;
  }
}

function extract(bytes: Uint8Array): EmbeddedWorkflows | undefined {
  return extractWorkflows(bytes, inflate);
}

/** As Python writes JSON. */
function asciiJson(value: JsonObject): string {
  return JSON.stringify(value).replaceAll(/[\u0080-\uffff]/gu, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

const picture = sharp({ create: { width: 4, height: 4, channels: 3, background: "red" } });

/** A PNG with one more chunk after its header, which is always 33 bytes long. */
async function pngWith(type: string, data: Uint8Array): Promise<Buffer> {
  const png = await picture.clone().png().toBuffer();
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length);
  head.write(type, 4, "latin1");
  return Buffer.concat([png.subarray(0, 33), head, data, Buffer.alloc(4), png.subarray(33)]);
}

function fixture(name: string): Promise<Buffer> {
  return readFile(new URL(`../../../test/fixtures/embedded/${name}`, import.meta.url));
}

describe("a PNG gives its workflow", () => {
  test("from plain, compressed and international text, and from ComfyUI's own chunk", async () => {
    const text = JSON.stringify(prompt);
    const chunks: readonly (readonly [string, Uint8Array])[] = [
      ["tEXt", Buffer.from(`prompt\0${text}`)],
      ["comf", Buffer.from(`prompt\0${text}`)],
      ["zTXt", Buffer.concat([Buffer.from("prompt\0\0"), deflateSync('{"1":{"class_type":"A"}}')])],
      ["iTXt", Buffer.from(`prompt\0\0\0en\0titel\0${text}`)],
      ["iTXt", Buffer.concat([Buffer.from("prompt\0\u0001\0\0\0"), deflateSync(text)])],
    ];
    for (const [type, data] of chunks) {
      const found = extract(await pngWith(type, data));
      const wanted = type === "zTXt" ? { "1": { class_type: "A" } } : prompt;
      expect(found, type).toEqual({ container: "png", prompt: wanted, workflow: null });
    }
  });

  test("also where Python wrote a NaN into it", async () => {
    const png = await pngWith("tEXt", Buffer.from('prompt\0{"1":{"x":NaN,"y":"NaN"}}'));
    expect(extract(png)?.prompt).toEqual({ "1": { x: null, y: "null" } });
  });

  test("but not from a chunk that inflates to more than any workflow", async () => {
    const bomb = deflateSync(Buffer.alloc(70 * 1024 * 1024, "a"));
    const png = await pngWith("zTXt", Buffer.concat([Buffer.from("prompt\0\0"), bomb]));
    expect(extract(png)).toEqual({ container: "png", prompt: null, workflow: null });
  });
});

describe("other files give their workflow", () => {
  test("WebP and JPEG from EXIF, as ComfyUI and others write it", async () => {
    const exif = {
      IFD0: {
        Model: `prompt:${asciiJson(prompt)}`,
        Make: `workflow:${JSON.stringify(workflow)}`,
      },
    };
    const webp = await picture.clone().withExif(exif).webp().toBuffer();
    expect(extract(webp)).toEqual({ container: "webp", prompt, workflow });
    const comment = asciiJson({ prompt, workflow: JSON.stringify(workflow) });
    const jpeg = await picture
      .clone()
      .withExif({ IFD0: { ImageDescription: comment } })
      .jpeg()
      .toBuffer();
    expect(extract(jpeg)).toEqual({ container: "jpeg", prompt, workflow });
  });

  test.each([
    ["video.mp4", "mp4"],
    ["video.webm", "webm"],
    ["comment.mp4", "mp4"],
  ])("%s from its tags, as FFmpeg writes them", async (name, container) => {
    expect(extract(await fixture(name))).toEqual({ container, prompt, workflow });
  });

  test("and a file of another kind gives none", () => {
    expect(extract(Buffer.from("%PDF-1.7"))).toBeUndefined();
    expect(extract(new Uint8Array())).toBeUndefined();
  });
});

test("never throws and never takes long, whatever a file was cut or changed to", async () => {
  const samples = await Promise.all([
    pngWith("iTXt", Buffer.concat([Buffer.from("prompt\0\u0001\0\0\0"), deflateSync("{}")])),
    picture
      .clone()
      .withExif({ IFD0: { Model: "prompt:{}" } })
      .webp()
      .toBuffer(),
    picture
      .clone()
      .withExif({ IFD0: { Model: "prompt:{}" } })
      .jpeg()
      .toBuffer(),
    fixture("video.mp4"),
    fixture("video.webm"),
    fixture("comment.mp4"),
  ]);
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 12 });
  fc.assert(
    fc.property(fc.constantFrom(...samples), fc.nat(), changes, (sample, cut, edits) => {
      const bytes = Uint8Array.from(sample.subarray(0, sample.length - (cut % sample.length)));
      for (const [at, value] of edits) bytes[at % bytes.length] = value;
      const found = extract(bytes);
      expect(found === undefined || typeof found.container === "string").toBe(true);
    }),
    { numRuns: 2000 },
  );
});
