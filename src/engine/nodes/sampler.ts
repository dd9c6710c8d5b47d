import { withChannels } from "../frames.ts";
import { encodePreview } from "../picture.ts";
import { SeededRandom } from "../random.ts";
import { scaleImage } from "../scale.ts";
import { eachRow, toLevel } from "../slices.ts";
import { checkSize, ImageBatch } from "../values.ts";
import { int, link, maxSide, output, seed } from "./input-config.ts";
import type { NodeDefinition, RunContext } from "./node.ts";

const previewSide = 256;

/** A smooth, coloured field: what the noise of a seed clears up to. */
interface Wave {
  readonly across: number;
  readonly down: number;
  readonly phase: number;
}

export const hearthSampler: NodeDefinition = {
  name: "HearthSampler",
  displayName: "Hearth Sampler",
  category: "hearth",
  description:
    "Paints an image from a seed in many steps, with progress and previews, like a diffusion sampler but without a model. The same inputs always give the same image.",
  pythonModule: "hearth",
  required: {
    seed,
    steps: int(20, 1, 1000),
    width: int(512, 1, maxSide),
    height: int(512, 1, maxSide),
    step_ms: int(0, 0, 60_000, { tooltip: "Milliseconds to wait at each step." }),
  },
  optional: { image: link("IMAGE") },
  outputs: [output("IMAGE")],
  async run(inputs, context) {
    const [width, height] = [inputs.integer("width"), inputs.integer("height")];
    const steps = inputs.integer("steps");
    checkSize(width, height, 1, 3);
    const random = new SeededRandom(inputs.number("seed"));
    const start = await startFrame(inputs.optionalImage("image"), width, height, context);
    const target = await paint(random, width, height, start, context);
    const grain = new SeededRandom(inputs.number("seed") + 1);
    let frame = target;
    for (let step = 1; step <= steps; step++) {
      frame = await unveil(target, width, height, 1 - step / steps, grain, context);
      const raw = { width, height, channels: 3 } as const;
      const preview = context.previews ? await encodePreview(frame, raw, previewSide) : undefined;
      context.progress(step, steps, preview);
      await context.sleep(inputs.integerOr("step_ms", 0));
    }
    return { values: [new ImageBatch(width, height, 3, [frame])] };
  },
};

async function startFrame(
  image: ImageBatch | undefined,
  width: number,
  height: number,
  { pause }: RunContext,
): Promise<Uint8Array | undefined> {
  if (image === undefined) return undefined;
  const first = new ImageBatch(image.width, image.height, image.channels, image.frames.slice(0, 1));
  const size = { width, height, method: "bilinear", crop: "center" } as const;
  const scaled = await scaleImage(await withChannels(first, 3, pause), size, pause);
  return scaled.frames[0];
}

/** The finished image: waves from the seed, half mixed with the start image if there is one. */
async function paint(
  random: SeededRandom,
  width: number,
  height: number,
  start: Uint8Array | undefined,
  { pause }: RunContext,
): Promise<Uint8Array> {
  const waves = Array.from({ length: 3 }, (): Wave => {
    const across = (random.uniform() - 0.5) * 4;
    return { across, down: (random.uniform() - 0.5) * 4, phase: random.uniform() };
  });
  const result = new Uint8Array(width * height * 3);
  await eachRow(width * 20, height, pause, (y) => {
    for (let x = 0; x < width; x++) {
      for (const [channel, { across, down, phase }] of waves.entries()) {
        const angle = (across * x) / width + (down * y) / height + phase;
        const level = 127.5 + 127.5 * Math.sin(2 * Math.PI * angle);
        const at = (y * width + x) * 3 + channel;
        result[at] = toLevel(start === undefined ? level : (level + (start[at] ?? 0)) / 2);
      }
    }
  });
  return result;
}

/** The image behind this share of noise; none at the last step. */
async function unveil(
  target: Uint8Array,
  width: number,
  height: number,
  noise: number,
  grain: SeededRandom,
  { pause }: RunContext,
): Promise<Uint8Array> {
  const result = new Uint8Array(target.length);
  await eachRow(width * 6, height, pause, (row) => {
    for (let at = row * width * 3; at < (row + 1) * width * 3; at++) {
      const level = target[at] ?? 0;
      result[at] = toLevel(level * (1 - noise) + grain.uniform() * 255 * noise);
    }
  });
  return result;
}
