import { describe, expect, it } from "vitest";
import { Latent } from "../values.ts";
import { modelHint } from "./loaders.ts";
import { builtInNodes } from "./registry.ts";
import { grey, imageOf, levels, mask, maskOf, reds, runNode } from "./run-node.suite.ts";

/** The only value that a node gives. */
async function valueOf(name: string, inputs: Parameters<typeof runNode>[1]): Promise<unknown> {
  return (await runNode(name, inputs)).values[0];
}

describe("masks", () => {
  it("are made, inverted and turned into images and back", async () => {
    const solid = await maskOf("SolidMask", { value: 0.2, width: 2, height: 1 });
    expect(levels(solid)).toEqual([51, 51]);
    expect(levels(await maskOf("InvertMask", { mask: solid }))).toEqual([204, 204]);
    const image = await imageOf("MaskToImage", { mask: mask(2, 1, [1, 2]) });
    expect([...(image.frames[0] ?? [])]).toEqual([1, 1, 1, 2, 2, 2]);
    expect(levels(await maskOf("ImageToMask", { image, channel: "green" }))).toEqual([1, 2]);
    await expect(maskOf("ImageToMask", { image, channel: "alpha" })).rejects.toThrow(/index 3/u);
  });

  it("grow and shrink, with tapered corners or square ones", async () => {
    const dot = mask(
      5,
      5,
      Array.from({ length: 25 }, (_, at) => (at === 12 ? 255 : 0)),
    );
    const count = async (expand: number, tapered_corners: boolean): Promise<number> =>
      levels(await maskOf("GrowMask", { mask: dot, expand, tapered_corners })).filter(Boolean)
        .length;
    expect(await count(1, true)).toBe(5);
    expect(await count(1, false)).toBe(9);
    expect(await count(2, true)).toBe(13);
    expect(await count(16384, true)).toBe(25);
    expect(await count(-1, false)).toBe(0);
    expect(await count(0, true)).toBe(1);
  });
});

describe("values and texts", () => {
  it("pass through, join, and change", async () => {
    expect(await valueOf("PrimitiveInt", { value: 4 })).toBe(4);
    expect(await valueOf("PrimitiveBoolean", { value: false })).toBe(false);
    const parts = { string_a: "a", string_b: "b", delimiter: "-" };
    expect(await valueOf("StringConcatenate", parts)).toBe("a-b");
    const dollars = { string: "a a", find: "a", replace: "$&$1" };
    expect(await valueOf("StringReplace", dollars)).toBe("$&$1 $&$1");
    expect(await valueOf("StringLength", { string: "a😀" })).toBe(2);
    expect(await valueOf("StringTrim", { string: " a ", mode: "Left" })).toBe("a ");
    expect((await runNode("ComfyNumberConvert", { value: "17.6" })).values).toEqual([17.6, 17]);
    await expect(runNode("ComfyNumberConvert", { value: "x" })).rejects.toThrow(/number/u);
  });

  it("are shown as text, never as pixels", async () => {
    const shown = async (source: Parameters<typeof runNode>[1][string]): Promise<unknown> =>
      (await runNode("PreviewAny", { source })).ui?.["text"];
    expect(await shown("hello")).toEqual(["hello"]);
    expect(await shown(42)).toEqual(["42"]);
    expect(await shown(true)).toEqual(["True"]);
    expect(await shown({ a: 1 })).toEqual(['{"a":1}']);
    expect(await shown(grey(2, 1, [1, 2]))).toEqual(["IMAGE 1×1×2×3"]);
  });
});

describe("latents", () => {
  it("have an eighth of the image's sides and repeat", async () => {
    const latent = await valueOf("EmptyLatentImage", { width: 64, height: 32, batch_size: 2 });
    if (!(latent instanceof Latent)) throw new Error("no latent");
    expect(latent.shape).toEqual([2, 4, 4, 8]);
    const twice = await valueOf("RepeatLatentBatch", { samples: latent, amount: 2 });
    expect(twice).toMatchObject({ shape: [4, 4, 4, 8] });
    const huge = { width: 16384, height: 16384, batch_size: 4096 };
    await expect(runNode("EmptyLatentImage", huge)).rejects.toThrow(/too large/u);
  });
});

describe("the sampler", () => {
  const inputs = { seed: 3, steps: 2, width: 16, height: 8, step_ms: 0 };

  it("paints the same image for the same seed, however many steps", async () => {
    const first = await imageOf("HearthSampler", inputs);
    expect([first.width, first.height]).toEqual([16, 8]);
    expect(reds(await imageOf("HearthSampler", { ...inputs, steps: 5 }))).toEqual(reds(first));
    expect(reds(await imageOf("HearthSampler", { ...inputs, seed: 4 }))).not.toEqual(reds(first));
    const large = 2 ** 53;
    const other = await imageOf("HearthSampler", { ...inputs, seed: large });
    expect(reds(other)).not.toEqual(reds(await imageOf("HearthSampler", { ...inputs, seed: 0 })));
  });

  it("starts from an image if it has one", async () => {
    const plain = reds(await imageOf("HearthSampler", inputs));
    const white = grey(2, 1, [255, 255]);
    const lifted = reds(await imageOf("HearthSampler", { ...inputs, image: white }));
    expect(lifted).toEqual(plain.map((level) => expect.closeTo((level + 255) / 2, -0.3)));
  });
});

describe("the registry", () => {
  it("has at least 35 classes that really run, and loaders that do not", async () => {
    const running = [...builtInNodes.values()].filter(({ refusal }) => refusal === undefined);
    expect(running.length).toBeGreaterThanOrEqual(35);
    await expect(runNode("VAELoader", {})).rejects.toThrow(/runs no models/u);
    expect([...builtInNodes.keys()].some(modelHint)).toBe(false);
  });
});
