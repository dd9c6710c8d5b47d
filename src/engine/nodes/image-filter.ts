import { levelTable, lookUp, mapFrames } from "../frames.ts";
import { SeededRandom } from "../random.ts";
import { resample, weighRows, type Weighing } from "../resample.ts";
import { eachRow, toLevel } from "../slices.ts";
import { computeBlurTaps } from "../taps.ts";
import { ImageBatch } from "../values.ts";
import { float, int, link, output, seed } from "./input-config.ts";
import type { NodeDefinition } from "./node.ts";

const postProcessing = "comfy_extras.nodes_post_processing";

export const imageInvert: NodeDefinition = {
  name: "ImageInvert",
  displayName: "Invert Image Colors",
  category: "image/color",
  pythonModule: "nodes",
  required: { image: link("IMAGE") },
  outputs: [output("IMAGE")],
  async run(inputs, { pause }) {
    const { width, height, channels, frames } = inputs.image("image");
    const inverted = levelTable((level) => 255 - level);
    const results = await mapFrames(frames, (frame) => lookUp(frame, inverted, pause));
    return { values: [new ImageBatch(width, height, channels, results)] };
  },
};

function gaussian(image: ImageBatch, radius: number, sigma: number): Weighing {
  return {
    across: computeBlurTaps(radius, sigma, image.width),
    down: computeBlurTaps(radius, sigma, image.height),
  };
}

export const imageBlur: NodeDefinition = {
  name: "ImageBlur",
  displayName: "Blur Image",
  category: "image/filters",
  pythonModule: postProcessing,
  required: {
    image: link("IMAGE"),
    blur_radius: int(1, 1, 31),
    sigma: float(1, 0.1, 10, 0.1),
  },
  outputs: [output("IMAGE")],
  async run(inputs, { pause }) {
    const image = inputs.image("image");
    const { width, height, channels } = image;
    const weighing = gaussian(image, inputs.integer("blur_radius"), inputs.number("sigma"));
    const frames = await mapFrames(image.frames, (frame) =>
      resample(frame, width, channels, weighing, pause),
    );
    return { values: [new ImageBatch(width, height, channels, frames)] };
  },
};

export const imageSharpen: NodeDefinition = {
  name: "ImageSharpen",
  displayName: "Sharpen Image",
  category: "image/filters",
  pythonModule: postProcessing,
  required: {
    image: link("IMAGE"),
    sharpen_radius: int(1, 1, 31, { advanced: true }),
    sigma: float(1, 0.1, 10, 0.01, { advanced: true }),
    alpha: float(1, 0, 5, 0.01, { advanced: true }),
  },
  outputs: [output("IMAGE")],
  async run(inputs, { pause }) {
    const image = inputs.image("image");
    const { width, height, channels } = image;
    const weighing = gaussian(image, inputs.integer("sharpen_radius"), inputs.number("sigma"));
    // An unsharp mask: what blurring takes away, added tenfold.
    const strength = inputs.number("alpha") * 10;
    const frames = await mapFrames(image.frames, async (frame) => {
      const result = new Uint8Array(frame.length);
      await weighRows(frame, width, channels, weighing, pause, (row, blurred) => {
        const start = row * blurred.length;
        for (let at = 0; at < blurred.length; at++) {
          const level = frame[start + at] ?? 0;
          result[start + at] = toLevel(level + strength * (level - (blurred[at] ?? 0)));
        }
      });
      return result;
    });
    return { values: [new ImageBatch(width, height, channels, frames)] };
  },
};

export const imageAddNoise: NodeDefinition = {
  name: "ImageAddNoise",
  displayName: "Add Noise to Image",
  category: "image/filters",
  pythonModule: "comfy_extras.nodes_images",
  required: { image: link("IMAGE"), seed, strength: float(0.5, 0, 1, 0.01) },
  outputs: [output("IMAGE")],
  async run(inputs, { pause }) {
    const { width, height, channels, frames } = inputs.image("image");
    const random = new SeededRandom(inputs.number("seed"));
    const strength = inputs.number("strength") * 255;
    const results: Uint8Array[] = [];
    for (const frame of frames) {
      const result = new Uint8Array(frame.length);
      const rowLength = width * channels;
      // A normal number costs about ten plain operations.
      await eachRow(rowLength * 10, height, pause, (row) => {
        for (let at = row * rowLength; at < (row + 1) * rowLength; at++) {
          result[at] = toLevel((frame[at] ?? 0) + strength * random.normal());
        }
      });
      results.push(result);
    }
    return { values: [new ImageBatch(width, height, channels, results)] };
  },
};
