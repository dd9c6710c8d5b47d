import { frameAt, withChannels } from "../frames.ts";
import { scaleImage, scaleMask } from "../scale.ts";
import { eachRow, toLevel } from "../slices.ts";
import { ImageBatch, type MaskBatch } from "../values.ts";
import { boolean, combo, float, int, link, maxSide, output } from "./input-config.ts";
import type { NodeDefinition } from "./node.ts";

/** How two shares from 0 to 1 blend; results are cut to that range afterwards. */
const blendModes: Readonly<Record<string, (a: number, b: number) => number>> = {
  normal: (_, b) => b,
  multiply: (a, b) => a * b,
  screen: (a, b) => 1 - (1 - a) * (1 - b),
  overlay: (a, b) => (a <= 0.5 ? 2 * a * b : 1 - 2 * (1 - a) * (1 - b)),
  soft_light: (a, b) => {
    if (b <= 0.5) return a - (1 - 2 * b) * a * (1 - a);
    const curve = a <= 0.25 ? ((16 * a - 12) * a + 4) * a : Math.sqrt(a);
    return a + (2 * b - 1) * (curve - a);
  },
  difference: (a, b) => a - b,
};

export const imageBlend: NodeDefinition = {
  name: "ImageBlend",
  displayName: "Blend Images",
  category: "image/filters",
  pythonModule: "comfy_extras.nodes_post_processing",
  required: {
    image1: link("IMAGE"),
    image2: link("IMAGE"),
    blend_factor: float(0.5, 0, 1, 0.01),
    blend_mode: combo(Object.keys(blendModes)),
  },
  outputs: [output("IMAGE")],
  async run(inputs, { pause }) {
    const [first, other] = [inputs.image("image1"), inputs.image("image2")];
    const channels = Math.max(first.channels, other.channels) === 4 ? 4 : 3;
    const { width, height } = first;
    const size = { width, height, method: "bicubic", crop: "center" } as const;
    const base = await withChannels(first, channels, pause);
    const top = await withChannels(await scaleImage(other, size, pause), channels, pause);
    const table = blendTable(inputs.text("blend_mode"), inputs.number("blend_factor"));
    const count = Math.max(base.frames.length, top.frames.length);
    const rowLength = width * channels;
    const frames: Uint8Array[] = [];
    for (let index = 0; index < count; index++) {
      const [below, above] = [frameAt(base.frames, index), frameAt(top.frames, index)];
      const result = new Uint8Array(below.length);
      await eachRow(rowLength, height, pause, (row) => {
        for (let at = row * rowLength; at < (row + 1) * rowLength; at++) {
          result[at] = table[((below[at] ?? 0) << 8) | (above[at] ?? 0)] ?? 0;
        }
      });
      frames.push(result);
    }
    return { values: [new ImageBatch(width, height, channels, frames)] };
  },
};

/** Every pair of levels blended: `table[(below << 8) | above]`. */
function blendTable(modeName: string, factor: number): Uint8Array {
  const mode = Object.hasOwn(blendModes, modeName) ? blendModes[modeName] : undefined;
  const blend = mode ?? ((_: number, b: number): number => b);
  return Uint8Array.from({ length: 65_536 }, (_, pair) => {
    const [below, above] = [(pair >> 8) / 255, (pair & 255) / 255];
    return toLevel((below * (1 - factor) + blend(below, above) * factor) * 255);
  });
}

export const imageCompositeMasked: NodeDefinition = {
  name: "ImageCompositeMasked",
  displayName: "Image Composite Masked",
  category: "image/compositing",
  pythonModule: "comfy_extras.nodes_mask",
  required: {
    destination: link("IMAGE"),
    source: link("IMAGE"),
    x: int(0, 0, maxSide),
    y: int(0, 0, maxSide),
    resize_source: boolean(false),
  },
  optional: { mask: link("MASK") },
  outputs: [output("IMAGE")],
  async run(inputs, { pause }) {
    const [destination, source] = [inputs.image("destination"), inputs.image("source")];
    const channels = Math.max(destination.channels, source.channels) === 4 ? 4 : 3;
    const base = await withChannels(destination, channels, pause);
    const size = { method: "bilinear", crop: "disabled" } as const;
    const fitted = inputs.flag("resize_source")
      ? await scaleImage(source, { ...size, width: base.width, height: base.height }, pause)
      : source;
    const top = await withChannels(fitted, channels, pause);
    const mask = inputs.optionalMask("mask");
    const stencil =
      mask && (await scaleMask(mask, { ...size, width: top.width, height: top.height }, pause));
    const at = { x: inputs.integer("x"), y: inputs.integer("y") };
    const frames: Uint8Array[] = [];
    for (const [index, frame] of base.frames.entries()) {
      frames.push(await composite(base, frame, top, index, at, stencil, pause));
    }
    return { values: [new ImageBatch(base.width, base.height, channels, frames)] };
  },
};

/** One frame with another laid over it; batches of other lengths repeat from their start. */
async function composite(
  base: ImageBatch,
  frame: Uint8Array,
  top: ImageBatch,
  index: number,
  at: { readonly x: number; readonly y: number },
  stencil: MaskBatch | undefined,
  pause: () => Promise<void>,
): Promise<Uint8Array> {
  const result = new Uint8Array(frame);
  const above = frameAt(top.frames, index % top.frames.length);
  const mask = stencil && frameAt(stencil.frames, index % stencil.frames.length);
  const width = Math.min(top.width, base.width - at.x);
  const height = Math.min(top.height, base.height - at.y);
  await eachRow(base.width, Math.max(0, height), pause, (y) => {
    for (let x = 0; x < width; x++) {
      const share = mask === undefined ? 1 : (mask[y * top.width + x] ?? 0) / 255;
      const from = (y * top.width + x) * base.channels;
      const to = ((y + at.y) * base.width + x + at.x) * base.channels;
      for (let channel = 0; channel < base.channels; channel++) {
        const below = result[to + channel] ?? 0;
        result[to + channel] = toLevel(below + ((above[from + channel] ?? 0) - below) * share);
      }
    }
  });
  return result;
}
