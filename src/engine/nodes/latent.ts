import { NodeFault } from "../fault.ts";
import { writeSafetensors } from "../safetensors.ts";
import { FileSaver } from "../save-file.ts";
import { Latent, maxFrames, maxValueBytes } from "../values.ts";
import { int, link, maxSide, output, text } from "./input-config.ts";
import { saveHidden, type NodeDefinition } from "./node.ts";
import { references } from "./save-image.ts";

/** Image pixels along one side of a latent pixel. */
const latentScale = 8;

export const emptyLatentImage: NodeDefinition = {
  name: "EmptyLatentImage",
  displayName: "Empty Latent Image",
  category: "model/latent",
  description: "Create a new batch of empty latent images to be denoised via sampling.",
  pythonModule: "nodes",
  required: {
    width: int(512, 16, maxSide, { step: 8 }),
    height: int(512, 16, maxSide, { step: 8 }),
    batch_size: int(1, 1, 4096),
  },
  outputs: [output("LATENT")],
  run(inputs) {
    const side = (name: string): number => Math.floor(inputs.integer(name) / latentScale);
    const shape = [inputs.integer("batch_size"), 4, side("height"), side("width")] as const;
    return { values: [new Latent(shape, new Float32Array(checkedLength(shape)))] };
  },
};

export const repeatLatentBatch: NodeDefinition = {
  name: "RepeatLatentBatch",
  displayName: "Repeat Latent Batch",
  category: "model/latent/batch",
  pythonModule: "nodes",
  required: { samples: link("LATENT"), amount: int(1, 1, 64) },
  outputs: [output("LATENT")],
  run(inputs) {
    const { shape, samples } = inputs.latent("samples");
    const amount = inputs.integer("amount");
    const repeatedShape = [shape[0] * amount, shape[1], shape[2], shape[3]] as const;
    const repeated = new Float32Array(checkedLength(repeatedShape));
    for (let copy = 0; copy < amount; copy++) repeated.set(samples, copy * samples.length);
    return { values: [new Latent(repeatedShape, repeated)] };
  },
};

export const saveLatent: NodeDefinition = {
  name: "SaveLatent",
  displayName: "Save Latent",
  category: "model/latent",
  pythonModule: "nodes",
  required: { samples: link("LATENT"), filename_prefix: text("latents/ComfyUI") },
  hidden: saveHidden,
  outputs: [output("LATENT")],
  isOutput: true,
  async run(inputs, context) {
    const latent = inputs.latent("samples");
    const metadata: Record<string, string> = { prompt: JSON.stringify(context.prompt) };
    for (const [key, value] of Object.entries(context.extraPngInfo ?? {})) {
      metadata[key] = JSON.stringify(value);
    }
    const tensors = new Map([
      ["latent_tensor", { shape: latent.shape, values: latent.samples }],
      // Says that the samples are not scaled; readers look only for its presence.
      ["latent_format_version_0", { shape: [0], values: new Float32Array() }],
    ]);
    const saver = await FileSaver.open({
      folders: context.folders,
      type: "output",
      prefix: inputs.text("filename_prefix"),
      width: 0,
      height: 0,
      nowMs: context.nowMs(),
    });
    const file = await saver.save(writeSafetensors(tensors, metadata), "_.latent");
    return { values: [latent], ui: { latents: references([file]) } };
  },
};

/** The sample count of a shape. Errors: `NodeFault` for a batch beyond the limits. */
function checkedLength(shape: Latent["shape"]): number {
  const length = shape.reduce((product, side) => product * side, 1);
  if (shape[0] > maxFrames || length * Float32Array.BYTES_PER_ELEMENT > maxValueBytes) {
    throw new NodeFault("ValueError", `A latent of ${shape.join(" × ")} samples is too large.`);
  }
  return length;
}
