import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { startEngine } from "../../src/engine/engine.ts";
import { NodeFault } from "../../src/engine/fault.ts";
import { int, link, listCombo, output } from "../../src/engine/nodes/input-config.ts";
import type { NodeDefinition, RunContext } from "../../src/engine/nodes/node.ts";
import { ImageBatch } from "../../src/engine/values.ts";
import { PretendCard } from "./pretend-card.ts";

/**
 * The built-in engine as a program whose loaders take room on a pretend card, as ComfyUI's do: a
 * model is put there when it is first sampled with, and stays until another needs its place or
 * `/free` sends it away. Options are JSON in the first argument.
 */
export interface PretendEngineOptions {
  readonly folder: string;
  readonly port: number;
  readonly cardFolder: string;
  readonly cardBytes: number;
  /** Names the process on the card. */
  readonly process: string;
  /** Checkpoints by file name, in bytes. */
  readonly models: Readonly<Record<string, number>>;
  /** What the process takes by itself as soon as it runs. */
  readonly contextBytes?: number;
}

const mebibyte = 1024 ** 2;
const options = JSON.parse(process.argv[2] ?? "{}") as PretendEngineOptions;
const { models, contextBytes = 0 } = options;
const card = new PretendCard(options.cardFolder, options.cardBytes, options.process);
const loaded = new Map<string, number>();

makeModelFiles();
card.hold(contextBytes, null);
await startEngine({
  port: options.port,
  folder: options.folder,
  nodes: [loader(), sampler()],
  device,
  onFree: () => {
    loaded.clear();
    card.hold(held(), null);
  },
});

/** Sparse files: only their sizes matter. */
function makeModelFiles(): void {
  const folder = join(options.folder, "models", "checkpoints");
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(models)) {
    writeFileSync(join(folder, name), "");
    truncateSync(join(folder, name), bytes);
  }
}

function held(): number {
  return contextBytes + [...loaded.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function device() {
  const free = Math.max(0, options.cardBytes - card.usedBytes);
  const reserved = held() - contextBytes;
  return {
    name: "pretend card",
    type: "cuda",
    index: 0,
    vram_total: options.cardBytes,
    vram_free: free,
    torch_vram_total: reserved,
    torch_vram_free: 0,
  };
}

function loader(): NodeDefinition {
  return {
    name: "CheckpointLoaderSimple",
    displayName: "Load Checkpoint",
    category: "pretend",
    pythonModule: "nodes",
    required: { ckpt_name: listCombo(Object.keys(models)) },
    outputs: [output("MODEL"), output("CLIP"), output("VAE")],
    run: (inputs) => {
      const model = inputs.text("ckpt_name");
      return { values: [{ model }, { model }, { model }] };
    },
  };
}

function sampler(): NodeDefinition {
  return {
    name: "PretendSampler",
    displayName: "Pretend Sampler",
    category: "pretend",
    pythonModule: "pretend",
    required: {
      model: link("MODEL"),
      seed: int(0, 0, 2 ** 32),
      working_mib: int(0, 0, 1_000_000),
      steps: int(2, 1, 1000),
      step_ms: int(0, 0, 60_000),
    },
    outputs: [output("IMAGE")],
    async run(inputs, context) {
      const name = inputs.object("model")["model"];
      if (typeof name !== "string") throw new NodeFault("TypeError", "The model has no name.");
      const workingBytes = inputs.integer("working_mib") * mebibyte;
      await sample(name, workingBytes, inputs.integer("steps"), inputs.integer("step_ms"), context);
      const level = inputs.integer("seed") % 256;
      return { values: [new ImageBatch(8, 8, 3, [new Uint8Array(8 * 8 * 3).fill(level)])] };
    },
  };
}

async function sample(
  name: string,
  workingBytes: number,
  steps: number,
  stepMs: number,
  context: RunContext,
): Promise<void> {
  const bytes = models[name] ?? 0;
  const missing = (loaded.has(name) ? 0 : bytes) + workingBytes;
  // Its own other models give way first, as in ComfyUI.
  if (card.usedBytes + missing > options.cardBytes) loaded.clear();
  loaded.set(name, bytes);
  if (!card.hold(held() + workingBytes, name)) {
    loaded.clear();
    card.hold(held(), null);
    throw new NodeFault(
      "torch.OutOfMemoryError",
      "Allocation on device\nThis error means you ran out of memory on your GPU.",
    );
  }
  try {
    for (let step = 1; step <= steps; step++) {
      context.progress(step, steps);
      await context.sleep(stepMs);
    }
  } finally {
    card.hold(held(), null);
  }
}
