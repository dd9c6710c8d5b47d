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
