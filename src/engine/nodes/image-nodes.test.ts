import { describe, expect, it } from "vitest";
import { ImageBatch } from "../values.ts";
import { grey, imageOf, levels, mask, maskOf, reds, runNode } from "./run-node.suite.ts";

describe("image sources", () => {
  it("makes plain images of any colour", async () => {
    const made = await imageOf("EmptyImage", {
      width: 2,
      height: 1,
      batch_size: 2,
      color: 0x10ff03,
    });
    expect(made.frames.map((frame) => Array.from(frame))).toEqual([
      [16, 255, 3, 16, 255, 3],
      [16, 255, 3, 16, 255, 3],
    ]);
  });

  it("refuses images beyond 64 megapixels before allocating them", async () => {
    const huge = { width: 16384, height: 16384, batch_size: 1, color: 0 };
    await expect(imageOf("EmptyImage", huge)).rejects.toThrow(/64 megapixels/u);
    const many = { width: 4096, height: 4096, batch_size: 4096, color: 0 };
    await expect(imageOf("EmptyImage", many)).rejects.toThrow(/2 GiB/u);
  });
});

describe("image filters", () => {
  it("inverts", async () => {
    expect(reds(await imageOf("ImageInvert", { image: grey(3, 1, [0, 100, 255]) }))).toEqual([
      255, 155, 0,
    ]);
  });

  it("blurs and sharpens around an edge, leaving flat parts alone", async () => {
    const image = grey(5, 1, [0, 0, 100, 100, 100]);
    const blurred = reds(await imageOf("ImageBlur", { image, blur_radius: 1, sigma: 1 }));
    expect(blurred).toEqual([0, 27, 73, 100, 100]);
    const sharp = { image, sharpen_radius: 1, sigma: 1, alpha: 0.1 };
    expect(reds(await imageOf("ImageSharpen", sharp))).toEqual([0, 0, 127, 100, 100]);
  });

  it("adds the same noise for the same seed", async () => {
    const image = grey(
      8,
      8,
      Array.from({ length: 64 }, () => 128),
    );
    const noisy = async (seed: number, strength: number): Promise<number[]> =>
      reds(await imageOf("ImageAddNoise", { image, seed, strength }));
    expect(await noisy(7, 0.1)).toEqual(await noisy(7, 0.1));
    expect(await noisy(7, 0.1)).not.toEqual(await noisy(8, 0.1));
    expect(new Set(await noisy(7, 0))).toEqual(new Set([128]));
  });

  it("reduces colours, with each kind of dithering", async () => {
    const ramp = Array.from({ length: 256 }, (_, at) => at);
    const image = grey(16, 16, ramp);
    for (const dither of ["none", "floyd-steinberg", "bayer-2", "bayer-16"]) {
      const result = reds(await imageOf("ImageQuantize", { image, colors: 7, dither }));
      expect(new Set(result).size, dither).toBe(7);
      const strays = result.map((level, at) => Math.abs(level - at));
      expect(Math.max(...strays), dither).toBeLessThan(80);
    }
    // Colours that are few enough stay as they are.
    const few = grey(3, 1, [1, 90, 200]);
    const kept = await imageOf("ImageQuantize", { image: few, colors: 3, dither: "none" });
    expect(new Set(reds(kept))).toEqual(new Set([1, 90, 200]));
    const one = await imageOf("ImageQuantize", { image, colors: 1, dither: "none" });
    expect(new Set(reds(one))).toEqual(new Set([128]));
  });
});

describe("image geometry", () => {
  const image = grey(3, 2, [1, 2, 3, 4, 5, 6]);

  it("rotates clockwise", async () => {
    const turned = await imageOf("ImageRotate", { image, rotation: "90 degrees" });
    expect([turned.width, turned.height]).toEqual([2, 3]);
    expect(reds(turned)).toEqual([4, 1, 5, 2, 6, 3]);
    expect(reds(await imageOf("ImageRotate", { image, rotation: "180 degrees" }))).toEqual([
      6, 5, 4, 3, 2, 1,
    ]);
    expect(reds(await imageOf("ImageRotate", { image, rotation: "270 degrees" }))).toEqual([
      3, 6, 2, 5, 1, 4,
    ]);
  });

  it("flips along either axis", async () => {
    const down = await imageOf("ImageFlip", { image, flip_method: "x-axis: vertically" });
    expect(reds(down)).toEqual([4, 5, 6, 1, 2, 3]);
    const across = await imageOf("ImageFlip", { image, flip_method: "y-axis: horizontally" });
    expect(reds(across)).toEqual([3, 2, 1, 6, 5, 4]);
  });

  it("crops, moving the region inside", async () => {
    const old = await imageOf("ImageCrop", { image, width: 2, height: 9, x: 1, y: 1 });
    expect(reds(old)).toEqual([5, 6]);
    const crop_region = { x: 0, y: 0, width: 2, height: 2 };
    expect(reds(await imageOf("ImageCropV2", { image, crop_region }))).toEqual([1, 2, 4, 5]);
    const odd = { x: "far", y: 0, width: 2, height: 2 };
    await expect(imageOf("ImageCropV2", { image, crop_region: odd })).rejects.toThrow(
      /crop_region/u,
    );
  });

  it("scales by size, factor and megapixels", async () => {
    const to = { image, upscale_method: "nearest-exact", width: 6, height: 0, crop: "disabled" };
    const wide = await imageOf("ImageScale", to);
    expect([wide.width, wide.height]).toEqual([6, 4]);
    const cropped = await imageOf("ImageScale", { ...to, width: 1, height: 1, crop: "center" });
    expect(reds(cropped)).toEqual([5]);
    const twice = await imageOf("ImageScaleBy", { image, upscale_method: "area", scale_by: 2 });
    expect([twice.width, twice.height]).toEqual([6, 4]);
    const megapixels = { image, upscale_method: "bilinear", megapixels: 0.01, resolution_steps: 8 };
    const large = await imageOf("ImageScaleToTotalPixels", megapixels);
    expect([large.width, large.height]).toEqual([128, 80]);
  });

  it("pads with grey and masks what is new, feathered towards the old", async () => {
    const flat = grey(
      8,
      8,
      Array.from({ length: 64 }, () => 9),
    );
    const sides = { image: flat, left: 2, top: 0, right: 0, bottom: 0, feathering: 2 };
    const { values } = await runNode("ImagePadForOutpaint", sides);
    const [padded] = values;
    if (!(padded instanceof ImageBatch)) throw new Error("no image");
    expect(reds(padded).slice(0, 4)).toEqual([128, 128, 9, 9]);
    const row = levels(await maskOf("ImagePadForOutpaint", sides)).slice(0, 6);
    expect(row).toEqual([255, 255, 255, 64, 0, 0]);
  });

  it("stitches in every direction, with spacing and matched sides", async () => {
    const one = grey(1, 1, [10]);
    const two = grey(1, 1, [20]);
    const common = { image1: one, image2: two, match_image_size: true, spacing_color: "black" };
    const stitch = async (direction: string, spacing_width = 0): Promise<number[]> =>
      reds(await imageOf("ImageStitch", { ...common, direction, spacing_width }));
    expect(await stitch("right")).toEqual([10, 20]);
    expect(await stitch("left")).toEqual([20, 10]);
    expect(await stitch("down")).toEqual([10, 20]);
    expect(await stitch("up")).toEqual([20, 10]);
    expect(await stitch("right", 2)).toEqual([10, 0, 0, 20]);
    const tall = grey(1, 3, [7, 7, 7]);
    const unmatched = { ...common, image2: tall, match_image_size: false, direction: "right" };
    const centred = await imageOf("ImageStitch", { ...unmatched, spacing_width: 0 });
    expect(reds(centred)).toEqual([0, 7, 10, 7, 0, 7]);
  });
});

describe("image batches", () => {
  const image = grey(1, 1, [1]);

  it("join, repeat, and give their parts", async () => {
    const pair = await imageOf("ImageBatch", { image1: image, image2: grey(2, 2, [2, 2, 2, 2]) });
    expect([pair.width, pair.frames.length, reds(pair, 1)]).toEqual([1, 2, [2]]);
    const six = await imageOf("RepeatImageBatch", { image: pair, amount: 3 });
    expect(six.frames.map((frame) => frame[0])).toEqual([1, 2, 1, 2, 1, 2]);
    const part = await imageOf("ImageFromBatch", { image: six, batch_index: -1, length: 4 });
    expect(part.frames.map((frame) => frame[0])).toEqual([2]);
    expect((await runNode("GetImageSize", { image: six })).values).toEqual([1, 1, 6]);
  });

  it("refuse to grow beyond 4,096 images", async () => {
    const many = await imageOf("RepeatImageBatch", { image, amount: 4096 });
    await expect(imageOf("RepeatImageBatch", { image: many, amount: 2 })).rejects.toThrow(/4096/u);
  });
});

describe("combining images", () => {
  it("blends in every mode", async () => {
    const [image1, image2] = [grey(1, 1, [100]), grey(1, 1, [200])];
    const blend = async (blend_mode: string, blend_factor = 1): Promise<number | undefined> =>
      reds(await imageOf("ImageBlend", { image1, image2, blend_mode, blend_factor }))[0];
    expect(await blend("normal", 0.5)).toBe(150);
    expect(await blend("multiply")).toBe(78);
    expect(await blend("screen")).toBe(222);
    expect(await blend("overlay")).toBe(157);
    expect(await blend("soft_light")).toBe(134);
    expect(await blend("difference")).toBe(0);
  });

  it("composites through a mask, cut at the border", async () => {
    const destination = grey(3, 1, [0, 0, 0]);
    const source = grey(2, 1, [200, 200]);
    const plain = { destination, source, x: 2, y: 0, resize_source: false };
    expect(reds(await imageOf("ImageCompositeMasked", plain))).toEqual([0, 0, 200]);
    const masked = { ...plain, x: 0, mask: mask(2, 1, [255, 51]) };
    expect(reds(await imageOf("ImageCompositeMasked", masked))).toEqual([200, 40, 0]);
    const resized = { ...plain, x: 0, resize_source: true };
    expect(reds(await imageOf("ImageCompositeMasked", resized))).toEqual([200, 200, 200]);
  });

  it("joins and splits alpha, where a mask is what is missing", async () => {
    const joined = await imageOf("JoinImageWithAlpha", {
      image: grey(2, 1, [5, 6]),
      alpha: mask(2, 1, [0, 255]),
    });
    expect([...(joined.frames[0] ?? [])]).toEqual([5, 5, 5, 255, 6, 6, 6, 0]);
    expect(levels(await maskOf("SplitImageWithAlpha", { image: joined }))).toEqual([0, 255]);
    expect(reds(await imageOf("SplitImageWithAlpha", { image: joined }))).toEqual([5, 6]);
  });
});

describe("inputs that are not what the node needs", () => {
  it("fail with a sentence", async () => {
    await expect(runNode("ImageInvert", { image: "x" })).rejects.toThrow(
      /"image" must be an image/u,
    );
    await expect(runNode("SaveImage", { images: { kind: "image" } })).rejects.toThrow(/an image/u);
  });
});
