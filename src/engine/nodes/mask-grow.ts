import { mapFrames } from "../frames.ts";
import { eachRow } from "../slices.ts";
import { MaskBatch } from "../values.ts";
import { boolean, int, link, maxSide, output } from "./input-config.ts";
import type { NodeDefinition } from "./node.ts";

type Pause = () => Promise<void>;

export const growMask: NodeDefinition = {
  name: "GrowMask",
  displayName: "Grow Mask",
  category: "image/mask",
  pythonModule: "comfy_extras.nodes_mask",
  required: {
    mask: link("MASK"),
    expand: int(0, -maxSide, maxSide),
    tapered_corners: boolean(true, { advanced: true }),
  },
  outputs: [output("MASK")],
  async run(inputs, { pause }) {
    const { width, height, frames } = inputs.mask("mask");
    const expand = inputs.integer("expand");
    const tapered = inputs.flag("tapered_corners");
    const pick = expand < 0 ? Math.min : Math.max;
    const grown = await mapFrames(frames, async (frame) => {
      let current = frame;
      for (let step = 0; step < Math.abs(expand); step++) {
        const next = await growOnce(current, width, height, pick, tapered, pause);
        // A mask that no longer changes will not change again.
        if (Buffer.compare(next, current) === 0) break;
        current = next;
      }
      return current;
    });
    return { values: [new MaskBatch(width, height, grown)] };
  },
};

/** Each pixel becomes the largest (or smallest) of itself and its neighbours. */
async function growOnce(
  frame: Uint8Array,
  width: number,
  height: number,
  pick: (...levels: number[]) => number,
  tapered: boolean,
  pause: Pause,
): Promise<Uint8Array> {
  const result = new Uint8Array(frame.length);
  // Outside the mask lies its nearest border pixel, which never changes the pick.
  await eachRow(width * 4, height, pause, (y) => {
    const above = Math.max(0, y - 1) * width;
    const here = y * width;
    const below = Math.min(height - 1, y + 1) * width;
    for (let x = 0; x < width; x++) {
      const left = Math.max(0, x - 1);
      const right = Math.min(width - 1, x + 1);
      const cross = pick(
        frame[here + x] ?? 0,
        frame[here + left] ?? 0,
        frame[here + right] ?? 0,
        frame[above + x] ?? 0,
        frame[below + x] ?? 0,
      );
      result[here + x] = tapered
        ? cross
        : pick(
            cross,
            frame[above + left] ?? 0,
            frame[above + right] ?? 0,
            frame[below + left] ?? 0,
            frame[below + right] ?? 0,
          );
    }
  });
  return result;
}
