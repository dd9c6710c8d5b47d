import { mapFrames, withChannels } from "../frames.ts";
import { choosePalette, NearestColour } from "../palette.ts";
import { eachRow, toLevel } from "../slices.ts";
import { ImageBatch } from "../values.ts";
import { combo, int, link, output } from "./input-config.ts";
import type { NodeDefinition } from "./node.ts";

type Pause = () => Promise<void>;

/** Pixels' worth of plain work in one search of the palette. */
const searchEffort = 16;

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
      const palette = await choosePalette(frame, colours, pause);
      const nearest = new NearestColour(palette);
      if (dither === "floyd-steinberg") return diffuse(frame, image, nearest, pause);
      // "none" is a pattern of one zero.
      const order = dither.startsWith("bayer-") ? Number(dither.slice("bayer-".length)) : 1;
      const pattern = order === 1 ? Float32Array.of(0) : bayerPattern(order, palette.length);
      return threshold(frame, image, nearest, pattern, order, pause);
    });
    return { values: [new ImageBatch(width, height, 3, frames)] };
  },
};

/** Ordered dithering: a fixed pattern decides between neighbouring palette colours. */
async function threshold(
  frame: Uint8Array,
  { width, height }: ImageBatch,
  nearest: NearestColour,
  pattern: Float32Array,
  order: number,
  pause: Pause,
): Promise<Uint8Array> {
  const result = new Uint8Array(frame.length);
  await eachRow(width * searchEffort, height, pause, (y) => {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      const shift = pattern[(y % order) * order + (x % order)] ?? 0;
      const level = (channel: number): number => toLevel((frame[at + channel] ?? 0) + shift);
      result.set(nearest.find(level(0), level(1), level(2)), at);
    }
  });
  return result;
}

/** Error diffusion after Floyd and Steinberg: what a pixel lacks goes to its neighbours. */
async function diffuse(
  frame: Uint8Array,
  { width, height }: ImageBatch,
  nearest: NearestColour,
  pause: Pause,
): Promise<Uint8Array> {
  const result = new Uint8Array(frame.length);
  let here = new Float32Array((width + 2) * 3);
  let below = new Float32Array((width + 2) * 3);
  await eachRow(width * searchEffort, height, pause, (y) => {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      // One pixel of margin on both sides takes what falls off the border.
      const spot = (x + 1) * 3;
      const wanted = [0, 1, 2].map((channel) =>
        toLevel((frame[at + channel] ?? 0) + (here[spot + channel] ?? 0)),
      );
      const colour = nearest.find(wanted[0] ?? 0, wanted[1] ?? 0, wanted[2] ?? 0);
      result.set(colour, at);
      for (const [channel, level] of colour.entries()) {
        const missing = (wanted[channel] ?? 0) - level;
        addTo(here, spot + 3 + channel, (missing * 7) / 16);
        addTo(below, spot - 3 + channel, (missing * 3) / 16);
        addTo(below, spot + channel, (missing * 5) / 16);
        addTo(below, spot + 3 + channel, missing / 16);
      }
    }
    [here, below] = [below, here];
    below.fill(0);
  });
  return result;
}

function addTo(values: Float32Array, at: number, amount: number): void {
  values[at] = (values[at] ?? 0) + amount;
}

/** Shifts around 0, `order` × `order`, wider for fewer colours; `order` is a power of two. */
function bayerPattern(order: number, colourCount: number): Float32Array {
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
  const spread = 512 / colourCount;
  return Float32Array.from(ranks, (rank) => spread * ((rank + 0.5) / ranks.length - 0.5));
}
