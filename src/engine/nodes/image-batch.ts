import { withChannels } from "../frames.ts";
import { scaleImage } from "../scale.ts";
import { checkSize, ImageBatch } from "../values.ts";
import { int, link, output } from "./input-config.ts";
import type { NodeDefinition } from "./node.ts";

export const imageBatch: NodeDefinition = {
  name: "ImageBatch",
  displayName: "Batch Images (DEPRECATED)",
  category: "image/batch",
  pythonModule: "nodes",
  deprecated: true,
  required: { image1: link("IMAGE"), image2: link("IMAGE") },
  outputs: [output("IMAGE")],
  async run(inputs, { pause }) {
    const first = inputs.image("image1");
    const channels = Math.max(first.channels, inputs.image("image2").channels) === 4 ? 4 : 3;
    const { width, height } = first;
    const size = { width, height, method: "bilinear", crop: "center" } as const;
    const second = await scaleImage(inputs.image("image2"), size, pause);
    const frames = [
      ...(await withChannels(first, channels, pause)).frames,
      ...(await withChannels(second, channels, pause)).frames,
    ];
    return { values: [new ImageBatch(width, height, channels, frames)] };
  },
};

export const repeatImageBatch: NodeDefinition = {
  name: "RepeatImageBatch",
  displayName: "Repeat Image Batch",
  category: "image/batch",
  pythonModule: "comfy_extras.nodes_images",
  required: { image: link("IMAGE"), amount: int(1, 1, 4096) },
  outputs: [output("IMAGE")],
  run(inputs) {
    const { width, height, channels, frames } = inputs.image("image");
    const amount = inputs.integer("amount");
    checkSize(width, height, frames.length * amount, channels);
    const repeated = Array.from({ length: amount }, () => frames).flat();
    return { values: [new ImageBatch(width, height, channels, repeated)] };
  },
};

export const imageFromBatch: NodeDefinition = {
  name: "ImageFromBatch",
  displayName: "Get Image from Batch",
  category: "image/batch",
  pythonModule: "comfy_extras.nodes_images",
  required: {
    image: link("IMAGE"),
    batch_index: int(0, -16384, 16384),
    length: int(1, 1, 4096),
  },
  outputs: [output("IMAGE")],
  run(inputs) {
    const { width, height, channels, frames } = inputs.image("image");
    const wanted = inputs.integer("batch_index");
    // A negative index counts from the end; anything outside ends at the nearest image.
    const from = wanted < 0 ? wanted + frames.length : wanted;
    const start = Math.min(frames.length - 1, Math.max(0, from));
    const part = frames.slice(start, start + inputs.integer("length"));
    return { values: [new ImageBatch(width, height, channels, part)] };
  },
};

export const getImageSize: NodeDefinition = {
  name: "GetImageSize",
  displayName: "Get Image Size",
  category: "image",
  description: "Returns width and height of the image, and passes it through unchanged.",
  pythonModule: "comfy_extras.nodes_images",
  required: { image: link("IMAGE") },
  hidden: { unique_id: "UNIQUE_ID" },
  outputs: [output("INT", "width"), output("INT", "height"), output("INT", "batch_size")],
  run(inputs) {
    const { width, height, frames } = inputs.image("image");
    return { values: [width, height, frames.length] };
  },
};
