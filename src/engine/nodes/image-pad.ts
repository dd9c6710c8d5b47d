import { pasteFrame } from "../paste.ts";
import { eachRow } from "../slices.ts";
import { checkSize, ImageBatch, MaskBatch } from "../values.ts";
import { int, link, maxSide, output } from "./input-config.ts";
import type { NodeDefinition } from "./node.ts";

export const imagePadForOutpaint: NodeDefinition = {
  name: "ImagePadForOutpaint",
  displayName: "Pad Image for Outpainting",
  category: "image/transform",
  pythonModule: "nodes",
  required: {
    image: link("IMAGE"),
    left: int(0, 0, maxSide, { step: 8 }),
    top: int(0, 0, maxSide, { step: 8 }),
    right: int(0, 0, maxSide, { step: 8 }),
    bottom: int(0, 0, maxSide, { step: 8 }),
    feathering: int(40, 0, maxSide, { advanced: true }),
  },
  outputs: [output("IMAGE"), output("MASK")],
  async run(inputs, { pause }) {
    const image = inputs.image("image");
    const [left, top] = [inputs.integer("left"), inputs.integer("top")];
    const [right, bottom] = [inputs.integer("right"), inputs.integer("bottom")];
    const width = image.width + left + right;
    const height = image.height + top + bottom;
    checkSize(width, height, image.frames.length, image.channels);
    const frames: Uint8Array[] = [];
    for (const frame of image.frames) {
      const padded = new Uint8Array(width * height * image.channels).fill(128);
      pasteFrame(padded, width, frame, image.width, { x: left, y: top }, image.channels);
      frames.push(padded);
      await pause();
    }
    const edges = { left, top, right, bottom };
    const inner = await feather(image, inputs.integer("feathering"), edges, pause);
    const mask = new Uint8Array(width * height).fill(255);
    pasteFrame(mask, width, inner, image.width, { x: left, y: top }, 1);
    return {
      values: [
        new ImageBatch(width, height, image.channels, frames),
        new MaskBatch(width, height, [mask]),
      ],
    };
  },
};

interface Edges {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** The mask over the old image: 0, rising to 255 towards each padded edge. */
async function feather(
  { width, height }: { readonly width: number; readonly height: number },
  feathering: number,
  edges: Edges,
  pause: () => Promise<void>,
): Promise<Uint8Array> {
  const mask = new Uint8Array(width * height);
  if (feathering === 0 || feathering * 2 >= width || feathering * 2 >= height) return mask;
  await eachRow(width, height, pause, (y) => {
    const distanceY = Math.min(edges.top > 0 ? y : height, edges.bottom > 0 ? height - y : height);
    for (let x = 0; x < width; x++) {
      const distanceX = Math.min(edges.left > 0 ? x : width, edges.right > 0 ? width - x : width);
      const distance = Math.min(distanceX, distanceY);
      if (distance >= feathering) continue;
      const share = (feathering - distance) / feathering;
      mask[y * width + x] = Math.round(share * share * 255);
    }
  });
  return mask;
}
