import { frameAt, withChannels } from "../frames.ts";
import { pasteFrame } from "../paste.ts";
import { scaleImage } from "../scale.ts";
import { checkSize, ImageBatch } from "../values.ts";
import { boolean, combo, int, link, output } from "./input-config.ts";
import type { NodeDefinition } from "./node.ts";

const spacingColours: Readonly<Record<string, readonly [number, number, number]>> = {
  white: [255, 255, 255],
  black: [0, 0, 0],
  red: [255, 0, 0],
  green: [0, 255, 0],
  blue: [0, 0, 255],
};

export const imageStitch: NodeDefinition = {
  name: "ImageStitch",
  displayName: "Stitch Images",
  category: "image/transform",
  description:
    "Stitches image2 to image1 in the specified direction.\nIf image2 is not provided, returns image1 unchanged.\nOptional spacing can be added between images.",
  pythonModule: "comfy_extras.nodes_images",
  required: {
    image1: link("IMAGE"),
    direction: combo(["right", "down", "left", "up"], { default: "right" }),
    match_image_size: boolean(true),
    spacing_width: int(0, 0, 1024, { step: 2, advanced: true }),
    spacing_color: combo(Object.keys(spacingColours), { default: "white", advanced: true }),
  },
  optional: { image2: link("IMAGE") },
  outputs: [output("IMAGE")],
  async run(inputs, { pause }) {
    const first = inputs.image("image1");
    const other = inputs.optionalImage("image2");
    if (other === undefined) return { values: [first] };
    const direction = inputs.text("direction");
    const sideways = direction === "right" || direction === "left";
    const second = inputs.flag("match_image_size")
      ? await matchSide(first, other, sideways, pause)
      : other;
    const channels = Math.max(first.channels, second.channels) === 4 ? 4 : 3;
    const pair = [
      await withChannels(first, channels, pause),
      await withChannels(second, channels, pause),
    ];
    if (direction === "left" || direction === "up") pair.reverse();
    const wanted = inputs.integer("spacing_width");
    // Spacing is always even.
    const spacing = wanted + (wanted % 2);
    const [red, green, blue] = spacingColours[inputs.text("spacing_color")] ?? [255, 255, 255];
    const colour = [red, green, blue, 255].slice(0, channels);
    return { values: [await stitch(pair, sideways, spacing, colour, pause)] };
  },
};

/** Scales the second image so that the touching sides are equal. */
function matchSide(
  first: ImageBatch,
  second: ImageBatch,
  sideways: boolean,
  pause: () => Promise<void>,
): Promise<ImageBatch> {
  const aspect = second.width / second.height;
  const size = sideways
    ? { width: Math.max(1, Math.trunc(first.height * aspect)), height: first.height }
    : { width: first.width, height: Math.max(1, Math.trunc(first.width / aspect)) };
  return scaleImage(second, { ...size, method: "lanczos", crop: "disabled" }, pause);
}

/** Puts images beside or below each other; a shorter side is centred on black. */
async function stitch(
  images: readonly ImageBatch[],
  sideways: boolean,
  spacing: number,
  colour: readonly number[],
  pause: () => Promise<void>,
): Promise<ImageBatch> {
  const channels = images[0]?.channels ?? 3;
  const widths = images.map(({ width }) => width);
  const heights = images.map(({ height }) => height);
  const gaps = spacing * (images.length - 1);
  const width = sideways ? sum(widths) + gaps : Math.max(...widths);
  const height = sideways ? Math.max(...heights) : sum(heights) + gaps;
  const count = Math.max(...images.map(({ frames }) => frames.length));
  checkSize(width, height, count, channels);
  const frames: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    const frame = new Uint8Array(width * height * channels);
    let at = 0;
    for (const image of images) {
      const x = sideways ? at : Math.floor((width - image.width) / 2);
      const y = sideways ? Math.floor((height - image.height) / 2) : at;
      pasteFrame(frame, width, frameAt(image.frames, index), image.width, { x, y }, channels);
      at += sideways ? image.width : image.height;
      fillGap(frame, width, height, sideways, at, spacing, colour);
      at += spacing;
    }
    frames.push(frame);
    await pause();
  }
  return new ImageBatch(width, height, channels, frames);
}

function fillGap(
  frame: Uint8Array,
  width: number,
  height: number,
  sideways: boolean,
  start: number,
  spacing: number,
  colour: readonly number[],
): void {
  const end = Math.min(start + spacing, sideways ? width : height);
  const [fromX, toX, fromY, toY] = sideways ? [start, end, 0, height] : [0, width, start, end];
  for (let y = fromY; y < toY; y++) {
    for (let x = fromX; x < toX; x++) frame.set(colour, (y * width + x) * colour.length);
  }
}

function sum(sides: readonly number[]): number {
  return sides.reduce((total, side) => total + side, 0);
}
