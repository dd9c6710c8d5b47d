import type { JsonObject } from "../../kernel/json.ts";
import { NodeFault } from "../fault.ts";
import { mapFrames } from "../frames.ts";
import { cutFrame } from "../scale.ts";
import { eachRow } from "../slices.ts";
import { ImageBatch } from "../values.ts";
import { combo, int, link, maxSide, output } from "./input-config.ts";
import type { NodeDefinition } from "./node.ts";

const extras = "comfy_extras.nodes_images";

/** Cuts out a region, moved and shrunk to lie inside the image. */
function crop(
  image: ImageBatch,
  region: { x: number; y: number; width: number; height: number },
): ImageBatch {
  const x = Math.min(Math.max(0, region.x), image.width - 1);
  const y = Math.min(Math.max(0, region.y), image.height - 1);
  const width = Math.min(region.width, image.width - x);
  const height = Math.min(region.height, image.height - y);
  if (width < 1 || height < 1) {
    throw new NodeFault("ValueError", `A crop of ${width} × ${height} pixels is empty.`);
  }
  const inside = { x, y, width, height };
  const frames = image.frames.map((frame) => cutFrame(frame, image.width, image.channels, inside));
  return new ImageBatch(width, height, image.channels, frames);
}

export const imageCrop: NodeDefinition = {
  name: "ImageCrop",
  displayName: "Crop Image (DEPRECATED)",
  category: "image/transform",
  pythonModule: extras,
  deprecated: true,
  required: {
    image: link("IMAGE"),
    width: int(512, 1, maxSide),
    height: int(512, 1, maxSide),
    x: int(0, 0, maxSide),
    y: int(0, 0, maxSide),
  },
  outputs: [output("IMAGE")],
  run(inputs) {
    const [width, height] = [inputs.integer("width"), inputs.integer("height")];
    const region = { x: inputs.integer("x"), y: inputs.integer("y"), width, height };
    return { values: [crop(inputs.image("image"), region)] };
  },
};

export const imageCropV2: NodeDefinition = {
  name: "ImageCropV2",
  displayName: "Crop Image",
  category: "image/transform",
  description: "Crop an image to the specified dimensions.",
  pythonModule: extras,
  required: {
    image: link("IMAGE"),
    crop_region: [
      "BOUNDING_BOX",
      {
        default: { x: 0, y: 0, width: 512, height: 512 },
        socketless: true,
        component: "ImageCrop",
      },
    ],
  },
  outputs: [output("IMAGE")],
  run(inputs) {
    const box = inputs.object("crop_region");
    const region = {
      x: whole(box, "x", 0),
      y: whole(box, "y", 0),
      width: whole(box, "width", 512),
      height: whole(box, "height", 512),
    };
    return { values: [crop(inputs.image("image"), region)] };
  },
};

function whole(box: JsonObject, key: string, fallback: number): number {
  const value = Object.hasOwn(box, key) ? box[key] : fallback;
  if (typeof value === "number" && Number.isFinite(value)) return Math.trunc(value);
  throw new NodeFault("TypeError", `crop_region.${key} must be a number.`);
}

const quarterTurns = ["none", "90 degrees", "180 degrees", "270 degrees"];

export const imageRotate: NodeDefinition = {
  name: "ImageRotate",
  displayName: "Rotate Image",
  category: "image/transform",
  pythonModule: extras,
  required: { image: link("IMAGE"), rotation: combo(quarterTurns) },
  outputs: [output("IMAGE")],
  async run(inputs, { pause }) {
    const image = inputs.image("image");
    const turns = Math.max(0, quarterTurns.indexOf(inputs.text("rotation")));
    const { width, height } = image;
    // Where the pixel at (x, y) of the result comes from, clockwise.
    const sources: readonly ((x: number, y: number) => number)[] = [
      (x, y) => y * width + x,
      (x, y) => (height - 1 - x) * width + y,
      (x, y) => (height - 1 - y) * width + (width - 1 - x),
      (x, y) => x * width + (width - 1 - y),
    ];
    const size = turns % 2 === 0 ? { width, height } : { width: height, height: width };
    return { values: [await rearrange(image, size, sources[turns] ?? ((x) => x), pause)] };
  },
};

export const imageFlip: NodeDefinition = {
  name: "ImageFlip",
  displayName: "Flip Image",
  category: "image/transform",
  pythonModule: extras,
  required: {
    image: link("IMAGE"),
    flip_method: combo(["x-axis: vertically", "y-axis: horizontally"]),
  },
  outputs: [output("IMAGE")],
  async run(inputs, { pause }) {
    const image = inputs.image("image");
    const { width, height } = image;
    const source = inputs.text("flip_method").startsWith("x")
      ? (x: number, y: number): number => (height - 1 - y) * width + x
      : (x: number, y: number): number => y * width + (width - 1 - x);
    return { values: [await rearrange(image, image, source, pause)] };
  },
};

/** Builds each frame anew from pixels of the old one; `source` gives a pixel's old position. */
async function rearrange(
  image: ImageBatch,
  size: { readonly width: number; readonly height: number },
  source: (x: number, y: number) => number,
  pause: () => Promise<void>,
): Promise<ImageBatch> {
  const { width, height } = size;
  const { channels } = image;
  const frames = await mapFrames(image.frames, async (frame) => {
    const result = new Uint8Array(width * height * channels);
    await eachRow(width, height, pause, (y) => {
      for (let x = 0; x < width; x++) {
        const from = source(x, y) * channels;
        const to = (y * width + x) * channels;
        for (let at = 0; at < channels; at++) result[to + at] = frame[from + at] ?? 0;
      }
    });
    return result;
  });
  return new ImageBatch(width, height, channels, frames);
}
