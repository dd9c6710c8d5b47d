import { describe, expect, test } from "vitest";

import { isTruncatedPng, mediaTypeOf } from "./media-types.ts";
import { planOutputs } from "./outputs.ts";

const file = (filename: string, type = "output", subfolder = ""): Record<string, string> => {
  return { filename, subfolder, type };
};

describe("the outputs of a history entry", () => {
  test("are every file under whatever name a node chose, in order and once", () => {
    const planned = planOutputs({
      "9": { images: [file("a.png"), file("b.png", "output", "sub")], animated: [true] },
      "3": { gifs: [{ ...file("c.mp4"), format: "video/h264" }], images: [file("c.mp4")] },
      "4": { "3d": [{ filename: "d.glb" }], odd: "text", none: null },
    });
    expect(planned.map(({ nodeId, name }) => `${nodeId} ${name}`).sort()).toEqual([
      "3 c.mp4",
      "4 d.glb",
      "9 a.png",
      "9 b.png",
    ]);
  });

  test("include temporary files only where nothing was saved, and inputs never", () => {
    const temp = { images: [file("t.png", "temp")] };
    const input = { images: [file("i.png", "input")] };
    expect(planOutputs({ "1": temp, "2": input }).map(({ name }) => name)).toEqual(["t.png"]);
    const saved = { images: [file("s.png")] };
    expect(planOutputs({ "1": temp, "2": saved }).map(({ name }) => name)).toEqual(["s.png"]);
  });

  test("include text, under a name that is safe as a file's", () => {
    const planned = planOutputs({ "5:12": { text: ["one", 2, "three"] } });
    expect(planned.map(({ name, source }) => [name, source])).toEqual([
      ["5-12-1.txt", { kind: "text", text: "one" }],
      ["5-12-2.txt", { kind: "text", text: "three" }],
    ]);
  });

  test("carry a name without folders", () => {
    expect(planOutputs({ "1": { images: [file("x/y\\z.png")] } })[0]?.name).toBe("z.png");
    expect(planOutputs({ "1": { images: [file("x/"), { filename: 3 }] } })).toEqual([]);
  });
});

describe("the type of a file", () => {
  test("follows its extension", () => {
    const types = ["a.PNG", "a.mp4", "a.flac", "a.txt", "a.latent", "a.glb", "a.safetensors"].map(
      (name) => mediaTypeOf(name, Buffer.alloc(0)).type,
    );
    expect(types).toEqual(["image", "video", "audio", "text", "latent", "file", "file"]);
  });

  test("follows its first bytes where the name says nothing", () => {
    const jpeg = Buffer.from("ffd8ffe0", "hex");
    expect(mediaTypeOf("noname", jpeg).contentType).toBe("image/jpeg");
    const mp4 = Buffer.concat([Buffer.alloc(4), Buffer.from("ftypisom")]);
    expect(mediaTypeOf("a.bin", mp4).type).toBe("video");
    expect(mediaTypeOf("png", Buffer.from("??")).type).toBe("file");
  });

  test("of a PNG without an end is that of half a file", () => {
    const head = Buffer.from("89504e470d0a1a0a", "hex");
    expect(isTruncatedPng(head, Buffer.from("....IEND...."))).toBe(false);
    expect(isTruncatedPng(head, Buffer.from("...."))).toBe(true);
    expect(isTruncatedPng(Buffer.from("JFIF"), Buffer.from("...."))).toBe(false);
  });
});
