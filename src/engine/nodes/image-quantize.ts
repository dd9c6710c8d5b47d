import sharp from "sharp";
import { mapFrames, withChannels } from "../frames.ts";
import { eachRow, toLevel } from "../slices.ts";
import { ImageBatch } from "../values.ts";
import { combo, int, link, output } from "./input-config.ts";
import type { NodeDefinition } from "./node.ts";

type Pause = () => Promise<void>;
type Colour = readonly [red: number, green: number, blue: number];

export const imageQuantize: NodeDefinition = {
  name: "ImageQuantize",
  displayName: "Quantize Image",
  category: "image/filters",
  pythonModule: "comfy_extras.nodes_post_processing",
  required: {
    image: link("IMAGE"),
    colors: int(256, 1, 256),
    dither: combo(["none", "floyd-steinberg", "bayer-2", "bayer-4", "bayer-8", "bayer-16"]),
  },
  outputs: [output("IMAGE")],
  async run(inputs, { pause }) {
    const image = await withChannels(inputs.image("image"), 3, pause);
    const colours = inputs.integer("colors");
    const dither = inputs.text("dither");
    const { width, height } = image;
    const frames = await mapFrames(image.frames, async (frame) => {
      if (colours === 1) return fillWith(frame, meanColour(frame));
      if (!dither.startsWith("bayer-")) {
        return reduce(frame, image, colours, dither === "none" ? 0 : 1);
      }
      const palette = collectColours(await reduce(frame, image, colours, 0));
      return applyBayer(frame, image, palette, Number(dither.slice("bayer-".length)), pause);
    });
    return { values: [new ImageBatch(width, height, 3, frames)] };
  },
};

/** The frame in at most `colours` colours. `dither` is the share of error spread to neighbours. */
async function reduce(
  frame: Uint8Array,
  { width, height }: ImageBatch,
  colours: number,
  dither: number,
): Promise<Uint8Array> {
  const indexed = await sharp(frame, { raw: { width, height, channels: 3 } })
    .png({ palette: true, colours, dither, effort: 7 })
    .toBuffer();
  return new Uint8Array(await sharp(indexed).removeAlpha().toColourspace("srgb").raw().toBuffer());
}

function meanColour(frame: Uint8Array): Colour {
  const sums = [0, 0, 0];
  for (const [at, level] of frame.entries()) sums[at % 3] = (sums[at % 3] ?? 0) + level;
  const [red = 0, green = 0, blue = 0] = sums.map((sum) => toLevel(sum / (frame.length / 3)));
  return [red, green, blue];
}

function fillWith(frame: Uint8Array, colour: Colour): Uint8Array {
  return new Uint8Array(Buffer.alloc(frame.length, Buffer.from(colour)));
}

function collectColours(frame: Uint8Array): Colour[] {
  const found = new Map<number, Colour>();
  for (let at = 0; at < frame.length; at += 3) {
    const colour: Colour = [frame[at] ?? 0, frame[at + 1] ?? 0, frame[at + 2] ?? 0];
    found.set((colour[0] << 16) | (colour[1] << 8) | colour[2], colour);
  }
  return [...found.values()];
}

/** Ordered dithering: a fixed threshold pattern decides between neighbouring palette colours. */
async function applyBayer(
  frame: Uint8Array,
  { width, height }: ImageBatch,
  palette: readonly Colour[],
  order: number,
  pause: Pause,
): Promise<Uint8Array> {
  const pattern = bayerMatrix(order);
  const spread = 255 / Math.max(1, Math.cbrt(palette.length));
  const known = new Map<number, Colour>();
  const result = new Uint8Array(frame.length);
  await eachRow(width * 8, height, pause, (y) => {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      const shift = spread * (pattern[(y % order) * order + (x % order)] ?? 0);
      const red = toLevel((frame[at] ?? 0) + shift);
      const green = toLevel((frame[at + 1] ?? 0) + shift);
      const blue = toLevel((frame[at + 2] ?? 0) + shift);
      const key = (red << 16) | (green << 8) | blue;
      const colour = known.get(key) ?? nearest(palette, red, green, blue);
      known.set(key, colour);
      result.set(colour, at);
    }
  });
  return result;
}

/** Thresholds from -0.5 to 0.5, `order` × `order`; `order` is a power of two. */
function bayerMatrix(order: number): Float32Array {
  let ranks = [0];
  for (let side = 1; side < order; side *= 2) {
    const next = Array.from({ length: side * side * 4 }, () => 0);
    for (const [at, rank] of ranks.entries()) {
      const [y, x] = [Math.floor(at / side), at % side];
      next[y * side * 2 + x] = rank * 4;
      next[y * side * 2 + x + side] = rank * 4 + 2;
      next[(y + side) * side * 2 + x] = rank * 4 + 3;
      next[(y + side) * side * 2 + x + side] = rank * 4 + 1;
    }
    ranks = next;
  }
  return Float32Array.from(ranks, (rank) => (rank + 0.5) / ranks.length - 0.5);
}

function nearest(palette: readonly Colour[], red: number, green: number, blue: number): Colour {
  let best: Colour = [red, green, blue];
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const colour of palette) {
    const distance = (colour[0] - red) ** 2 + (colour[1] - green) ** 2 + (colour[2] - blue) ** 2;
    if (distance < bestDistance) [best, bestDistance] = [colour, distance];
  }
  return best;
}
