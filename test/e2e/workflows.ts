/** A node of an API-format workflow. */
interface Node {
  readonly class_type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export type TestWorkflow = Readonly<Record<string, Node>>;

function save(from: string): Node {
  return { class_type: "SaveImage", inputs: { images: [from, 0], filename_prefix: "e2e" } };
}

/** One flat picture; another colour is another workflow, which no cache answers. */
export function flatPicture(color: number, size = 64): TestWorkflow {
  const inputs = { width: size, height: size, batch_size: 1, color };
  return { "1": { class_type: "EmptyImage", inputs }, "9": save("1") };
}

/** Inverts an uploaded picture, named by its path or by a reference to the asset. */
export function invertPicture(image: unknown): TestWorkflow {
  return {
    "1": { class_type: "LoadImage", inputs: { image } },
    "2": { class_type: "ImageInvert", inputs: { image: ["1", 0] } },
    "9": save("2"),
  };
}

/** Many steps with progress and previews; only the built-in engine has this node. */
export function steppedPicture(seed: number, steps: number, stepMs: number): TestWorkflow {
  const inputs = { seed, steps, step_ms: stepMs, width: 64, height: 64 };
  return { "1": { class_type: "HearthSampler", inputs }, "9": save("1") };
}

/** One output of every kind that needs no model. */
export function manyOutputs(color: number): TestWorkflow {
  const latent = { width: 64, height: 64, batch_size: 1 };
  const animated = { fps: 6, lossless: true, quality: 80, method: "default" };
  const picture = { width: 32, height: 32, batch_size: 3, color };
  return {
    "1": { class_type: "EmptyImage", inputs: picture },
    "2": { class_type: "ImageFromBatch", inputs: { image: ["1", 0], batch_index: 0, length: 1 } },
    "3": { class_type: "EmptyLatentImage", inputs: latent },
    "4": { class_type: "PrimitiveString", inputs: { value: `color ${color}` } },
    "10": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: "e2e" } },
    "11": {
      class_type: "SaveAnimatedWEBP",
      inputs: { images: ["1", 0], filename_prefix: "e2e", ...animated },
    },
    "12": { class_type: "SaveLatent", inputs: { samples: ["3", 0], filename_prefix: "e2e" } },
    "13": { class_type: "PreviewAny", inputs: { source: ["4", 0] } },
  };
}

/** A chain of scalings that takes long enough to be watched and cancelled. */
export function longChain(color: number, links: number): TestWorkflow {
  const picture = { width: 1024, height: 1024, batch_size: 1, color };
  const nodes: Record<string, Node> = { n0: { class_type: "EmptyImage", inputs: picture } };
  for (let at = 1; at <= links; at++) {
    const side = at % 2 === 0 ? 1024 : 1536;
    nodes[`n${at}`] = {
      class_type: "ImageScale",
      inputs: {
        image: [`n${at - 1}`, 0],
        upscale_method: "lanczos",
        width: side,
        height: side,
        crop: "disabled",
      },
    };
  }
  return { ...nodes, "9": save(`n${links}`) };
}
