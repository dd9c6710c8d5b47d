import { scaleImage } from "../scale.ts";
import { scaleMethods, type ScaleMethod } from "../taps.ts";
import { combo, float, int, link, listCombo, maxSide, output } from "./input-config.ts";
import type { NodeInputs } from "./inputs.ts";
import type { NodeDefinition } from "./node.ts";

/** The scale method that an input names. */
function scaleMethod(inputs: NodeInputs): ScaleMethod {
  const name = inputs.text("upscale_method");
  return scaleMethods.find((method) => method === name) ?? "bilinear";
}

export const imageScale: NodeDefinition = {
  name: "ImageScale",
  displayName: "Upscale Image",
  category: "image/upscaling",
  pythonModule: "nodes",
  required: {
    image: link("IMAGE"),
    upscale_method: listCombo(scaleMethods),
    width: int(512, 0, maxSide),
    height: int(512, 0, maxSide),
    crop: listCombo(["disabled", "center"]),
  },
  outputs: [output("IMAGE")],
  async run(inputs, { pause }) {
    const image = inputs.image("image");
    let [width, height] = [inputs.integer("width"), inputs.integer("height")];
    if (width === 0 && height === 0) return { values: [image] };
    // A side of 0 follows the other one's proportion.
    if (width === 0) width = Math.max(1, Math.round((image.width * height) / image.height));
    if (height === 0) height = Math.max(1, Math.round((image.height * width) / image.width));
    const crop = inputs.text("crop") === "center" ? "center" : "disabled";
    const method = scaleMethod(inputs);
    return { values: [await scaleImage(image, { width, height, method, crop }, pause)] };
  },
};

export const imageScaleBy: NodeDefinition = {
  name: "ImageScaleBy",
  displayName: "Upscale Image By",
  category: "image/upscaling",
  pythonModule: "nodes",
  required: {
    image: link("IMAGE"),
    upscale_method: listCombo(scaleMethods),
    scale_by: float(1, 0.01, 8, 0.01),
  },
  outputs: [output("IMAGE")],
  async run(inputs, { pause }) {
    const image = inputs.image("image");
    const factor = inputs.number("scale_by");
    const to = {
      width: Math.max(1, Math.round(image.width * factor)),
      height: Math.max(1, Math.round(image.height * factor)),
      method: scaleMethod(inputs),
      crop: "disabled",
    } as const;
    return { values: [await scaleImage(image, to, pause)] };
  },
};

export const imageScaleToTotalPixels: NodeDefinition = {
  name: "ImageScaleToTotalPixels",
  displayName: "Scale Image to Total Pixels",
  category: "image/upscaling",
  pythonModule: "comfy_extras.nodes_post_processing",
  required: {
    image: link("IMAGE"),
    upscale_method: combo(scaleMethods),
    megapixels: float(1, 0.01, 16, 0.01),
    resolution_steps: int(1, 1, 256, { advanced: true }),
  },
  outputs: [output("IMAGE")],
  async run(inputs, { pause }) {
    const image = inputs.image("image");
    const pixels = inputs.number("megapixels") * 1024 * 1024;
    const steps = inputs.integer("resolution_steps");
    const factor = Math.sqrt(pixels / (image.width * image.height));
    const side = (from: number): number =>
      Math.max(steps, Math.round((from * factor) / steps) * steps);
    const to = {
      width: side(image.width),
      height: side(image.height),
      method: scaleMethod(inputs),
      crop: "disabled",
    } as const;
    return { values: [await scaleImage(image, to, pause)] };
  },
};
