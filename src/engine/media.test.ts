import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runPromptOn, solidPng, startTestEngine, type TestEngine } from "./engine-client.suite.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

describe("loading pictures", () => {
  async function load(name: string, channel?: string): Promise<Buffer> {
    const loader =
      channel === undefined
        ? { class_type: "LoadImage", inputs: { image: name } }
        : { class_type: "LoadImageMask", inputs: { image: name, channel } };
    const prompt = {
      1: loader,
      2: { class_type: "MaskToImage", inputs: { mask: ["1", 0] } },
      3: {
        class_type: "SaveImage",
        inputs: { images: [channel === undefined ? "1" : "2", 0], filename_prefix: "loaded" },
      },
    };
    if (channel === undefined) delete (prompt as Partial<typeof prompt>)[2];
    const { entry } = await runPromptOn(engine, prompt);
    const images = entry.outputs["3"]?.["images"] as unknown as { filename: string }[];
    return engine.readOutput(images[0]?.filename ?? "");
  }

  it("gives colours, and transparency as mask", async () => {
    await engine.putInput("half.png", await solidPng(3, 2, [200, 100, 50, 100]));
    const { data, info } = await sharp(await load("half.png"))
      .raw()
      .toBuffer({
        resolveWithObject: true,
      });
    expect([info.width, info.height, info.channels]).toEqual([3, 2, 3]);
    expect([...data.subarray(0, 3)]).toEqual([200, 100, 50]);
    const red = async (channel: string): Promise<number | undefined> =>
      (
        await sharp(await load("half.png", channel))
          .raw()
          .toBuffer()
      )[0];
    expect(await red("alpha")).toBe(155);
    expect(await red("green")).toBe(100);
  });

  it("turns pictures upright", async () => {
    const lying = await sharp(await solidPng(4, 2, [1, 2, 3]))
      .jpeg()
      .withMetadata({ orientation: 6 })
      .toBuffer();
    await engine.putInput("lying.jpg", lying);
    const { width, height } = await sharp(await load("lying.jpg")).metadata();
    expect([width, height]).toEqual([2, 4]);
  });

  it("reads grey pictures and names in annotated form", async () => {
    const greyPng = await sharp(await solidPng(2, 2, [90, 90, 90]))
      .toColourspace("b-w")
      .png()
      .toBuffer();
    await engine.putInput("grey.png", greyPng);
    const pixels = await sharp(await load("grey.png [input]"))
      .raw()
      .toBuffer();
    expect([...pixels.subarray(0, 3)]).toEqual([90, 90, 90]);
  });

  it("turns each frame of an animation into an image of the batch", async () => {
    const raw = { width: 2, height: 4, channels: 3, pageHeight: 2 } as const;
    const data = Buffer.concat([Buffer.alloc(12, 255), Buffer.alloc(12, 0)]);
    const webp = await sharp(data, { raw }).webp({ lossless: true }).toBuffer();
    await engine.putInput("moving.webp", webp);
    const prompt = {
      1: { class_type: "LoadImage", inputs: { image: "moving.webp" } },
      2: { class_type: "GetImageSize", inputs: { image: ["1", 0] } },
      3: { class_type: "PreviewAny", inputs: { source: ["2", 2] } },
    };
    expect((await runPromptOn(engine, prompt)).entry.outputs["3"]).toEqual({ text: ["2"] });
  });

  it("leaves a loaded picture as it is for the next prompt", async () => {
    await engine.putInput("base.png", await solidPng(2, 2, [0, 0, 255]));
    await engine.putInput("top.png", await solidPng(2, 2, [0, 255, 0]));
    const prompt = {
      1: { class_type: "LoadImage", inputs: { image: "base.png" } },
      2: { class_type: "LoadImage", inputs: { image: "top.png" } },
      3: {
        class_type: "ImageCompositeMasked",
        inputs: { destination: ["1", 0], source: ["2", 0], x: 0, y: 0, resize_source: false },
      },
      4: { class_type: "SaveImage", inputs: { images: ["3", 0], filename_prefix: "laid" } },
    };
    await runPromptOn(engine, prompt);
    const again = {
      ...prompt,
      4: { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "bare" } },
    };
    await runPromptOn(engine, again);
    const pixels = await sharp(await engine.readOutput("bare_00001_.png"))
      .raw()
      .toBuffer();
    expect([...pixels.subarray(0, 3)]).toEqual([0, 0, 255]);
  });

  it("does not run SVG", async () => {
    const svg = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>";
    await engine.putInput("program.png", Buffer.from(svg));
    const prompt = {
      1: { class_type: "LoadImage", inputs: { image: "program.png" } },
      2: { class_type: "PreviewImage", inputs: { images: ["1", 0] } },
    };
    const { entry } = await runPromptOn(engine, prompt);
    expect(entry.status.messages.at(-1)?.[1]).toMatchObject({
      exception_type: "UnidentifiedImageError",
    });
  });
});

describe("saving", () => {
  it("writes animations, latents and texts that others can read", async () => {
    const prompt = {
      1: {
        class_type: "EmptyImage",
        inputs: { width: 4, height: 4, batch_size: 3, color: 0xff0000 },
      },
      2: {
        class_type: "SaveAnimatedWEBP",
        inputs: {
          images: ["1", 0],
          filename_prefix: "anim",
          fps: 10,
          lossless: true,
          quality: 80,
          method: "default",
        },
      },
      3: {
        class_type: "SaveAnimatedPNG",
        inputs: { images: ["1", 0], filename_prefix: "anim", fps: 10, compress_level: 4 },
      },
      4: { class_type: "EmptyLatentImage", inputs: { width: 64, height: 64, batch_size: 1 } },
      5: { class_type: "SaveLatent", inputs: { samples: ["4", 0], filename_prefix: "latents/x" } },
      6: {
        class_type: "SaveText",
        inputs: { text: "héllo", filename_prefix: "words", format: "txt" },
      },
    };
    const { entry } = await runPromptOn(engine, prompt);
    const file = (filename: string, subfolder = ""): object => ({
      filename,
      subfolder,
      type: "output",
    });
    expect(entry.outputs).toEqual({
      2: { images: [file("anim_00001_.webp")], animated: [true] },
      3: { images: [file("anim_00002_.png")], animated: [true] },
      5: { latents: [file("x_00001_.latent", "latents")] },
      6: { text: ["héllo"], files: [file("words_00001.txt")] },
    });
    const webp = await sharp(await engine.readOutput("anim_00001_.webp")).metadata();
    // Equal frames may be merged by the encoder, so only the format is certain here.
    expect(webp.format).toBe("webp");
    expect(webp.exif?.toString("latin1")).toContain("prompt:{");
    expect((await engine.readOutput("words_00001.txt")).toString("utf8")).toBe("héllo");
    const latent = await engine.readOutput("latents/x_00001_.latent");
    expect(latent.toString("latin1")).toContain('"latent_tensor":{"dtype":"F32","shape":[1,4,8,8]');
  });
});
