import { NodeFault } from "../fault.ts";
import { levelTable, lookUp, mapFrames, takeChannel } from "../frames.ts";
import { eachSlice, toLevel } from "../slices.ts";
import { checkSize, ImageBatch, MaskBatch } from "../values.ts";
import { combo, float, int, link, maxSide, output } from "./input-config.ts";
import type { NodeDefinition } from "./node.ts";

const extras = "comfy_extras.nodes_mask";

export const solidMask: NodeDefinition = {
  name: "SolidMask",
  displayName: "Create Solid Mask",
  category: "image/mask",
  pythonModule: extras,
  required: {
    value: float(1, 0, 1, 0.01),
    width: int(512, 1, maxSide),
    height: int(512, 1, maxSide),
  },
  outputs: [output("MASK")],
  run(inputs) {
    const [width, height] = [inputs.integer("width"), inputs.integer("height")];
    checkSize(width, height, 1, 1);
    const level = toLevel(inputs.number("value") * 255);
    const frame = new Uint8Array(width * height).fill(level);
    return { values: [new MaskBatch(width, height, [frame])] };
  },
};

export const maskToImage: NodeDefinition = {
  name: "MaskToImage",
  displayName: "Convert Mask to Image",
  category: "image/mask",
  pythonModule: extras,
  required: { mask: link("MASK") },
  outputs: [output("IMAGE")],
  async run(inputs, { pause }) {
    const { width, height, frames } = inputs.mask("mask");
    const images = await mapFrames(frames, async (frame) => {
      const result = new Uint8Array(frame.length * 3);
      await eachSlice(frame.length, pause, (from, to) => {
        for (let at = from; at < to; at++) result.fill(frame[at] ?? 0, at * 3, at * 3 + 3);
      });
      return result;
    });
    return { values: [new ImageBatch(width, height, 3, images)] };
  },
};

const channelNames = ["red", "green", "blue", "alpha"];

export const imageToMask: NodeDefinition = {
  name: "ImageToMask",
  displayName: "Convert Image to Mask",
  category: "image/mask",
  pythonModule: extras,
  required: { image: link("IMAGE"), channel: combo(channelNames) },
  outputs: [output("MASK")],
  async run(inputs, { pause }) {
    const { width, height, channels, frames } = inputs.image("image");
    const channel = channelNames.indexOf(inputs.text("channel"));
    if (channel >= channels) {
      throw new NodeFault(
        "IndexError",
        `index ${channel} is out of bounds for dimension 3 with size ${channels}`,
      );
    }
    const planes = await mapFrames(frames, (frame) => takeChannel(frame, channels, channel, pause));
    return { values: [new MaskBatch(width, height, planes)] };
  },
};

export const invertMask: NodeDefinition = {
  name: "InvertMask",
  displayName: "Invert Mask",
  category: "image/mask",
  pythonModule: extras,
  required: { mask: link("MASK") },
  outputs: [output("MASK")],
  async run(inputs, { pause }) {
    const { width, height, frames } = inputs.mask("mask");
    const inverted = levelTable((level) => 255 - level);
    const results = await mapFrames(frames, (frame) => lookUp(frame, inverted, pause));
    return { values: [new MaskBatch(width, height, results)] };
  },
};
