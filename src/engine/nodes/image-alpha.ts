import { frameAt, levelTable, mapFrames, takeChannel, withChannels } from "../frames.ts";
import { scaleMask } from "../scale.ts";
import { eachSlice } from "../slices.ts";
import { checkSize, ImageBatch, MaskBatch } from "../values.ts";
import { link, output } from "./input-config.ts";
import type { NodeDefinition } from "./node.ts";

export const joinImageWithAlpha: NodeDefinition = {
  name: "JoinImageWithAlpha",
  displayName: "Join Image with Alpha",
  category: "image/compositing",
  pythonModule: "comfy_extras.nodes_compositing",
  required: { image: link("IMAGE"), alpha: link("MASK") },
  outputs: [output("IMAGE")],
  async run(inputs, { pause }) {
    const image = await withChannels(inputs.image("image"), 4, pause);
    const { width, height } = image;
    const size = { width, height, method: "bilinear", crop: "disabled" } as const;
    const mask = await scaleMask(inputs.mask("alpha"), size, pause);
    const count = Math.max(image.frames.length, mask.frames.length);
    checkSize(width, height, count, 4);
    const frames: Uint8Array[] = [];
    for (let index = 0; index < count; index++) {
      const frame = new Uint8Array(frameAt(image.frames, index % image.frames.length));
      const masked = frameAt(mask.frames, index % mask.frames.length);
      // A mask is where the image is not.
      await eachSlice(masked.length, pause, (from, to) => {
        for (let pixel = from; pixel < to; pixel++)
          frame[pixel * 4 + 3] = 255 - (masked[pixel] ?? 0);
      });
      frames.push(frame);
    }
    return { values: [new ImageBatch(width, height, 4, frames)] };
  },
};

export const splitImageWithAlpha: NodeDefinition = {
  name: "SplitImageWithAlpha",
  displayName: "Split Image with Alpha",
  category: "image/compositing",
  pythonModule: "comfy_extras.nodes_compositing",
  required: { image: link("IMAGE") },
  outputs: [output("IMAGE"), output("MASK")],
  async run(inputs, { pause }) {
    const image = inputs.image("image");
    const { width, height } = image;
    const inverted = levelTable((level) => 255 - level);
    const planes = await mapFrames(image.frames, async (frame) =>
      image.channels === 4
        ? takeChannel(frame, 4, 3, pause, inverted)
        : new Uint8Array(width * height),
    );
    const colours = await withChannels(image, 3, pause);
    return { values: [colours, new MaskBatch(width, height, planes)] };
  },
};
