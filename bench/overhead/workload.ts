/** One picture that no cache has seen: a gradient of work set by size and steps. */
export interface Workload {
  readonly name: string;
  make(unique: number): object;
}

function save(from: string): object {
  return { class_type: "SaveImage", inputs: { images: [from, 0], filename_prefix: "bench" } };
}

/** Runs anywhere: one picture, scaled and inverted. Mostly protocol, hardly any work. */
export const smallPicture: Workload = {
  name: "512 x 512 picture, inverted",
  make: (unique) => ({
    "1": {
      class_type: "EmptyImage",
      inputs: { width: 512, height: 512, batch_size: 1, color: unique },
    },
    "2": { class_type: "ImageInvert", inputs: { image: ["1", 0] } },
    "9": save("2"),
  }),
};

/** On the built-in engine only: steps of a fixed length, as a sampler on a fast GPU has. */
export function sampler(steps: number, stepMs: number): Workload {
  return {
    name: `sampler, ${steps} steps of ${stepMs} ms, 256 x 256`,
    make: (unique) => ({
      "1": {
        class_type: "HearthSampler",
        inputs: { seed: unique, steps, step_ms: stepMs, width: 256, height: 256 },
      },
      "9": save("1"),
    }),
  };
}
