import { setImmediate } from "node:timers/promises";
import type { EngineFolders } from "../files.ts";
import { ImageBatch, MaskBatch, type NodeValue } from "../values.ts";
import { NodeInputs } from "./inputs.ts";
import type { NodeResult, RunContext } from "./node.ts";
import { builtInNodes } from "./registry.ts";

const nowhere: EngineFolders = { input: "/-", output: "/-", temp: "/-", user: "/-" };

/** Runs one node class outside an engine; for classes that touch no files unless folders are given. */
export async function runNode(
  name: string,
  inputs: Readonly<Record<string, NodeValue>>,
  folders: EngineFolders = nowhere,
): Promise<NodeResult> {
  const definition = builtInNodes.get(name);
  if (definition === undefined) throw new Error(`There is no class ${name}`);
  const context: RunContext = {
    nodeId: "1",
    folders,
    prompt: {},
    extraPngInfo: undefined,
    previews: false,
    nowMs: () => Date.UTC(2026, 0, 2, 3, 4, 5),
    pause: () => setImmediate(),
    sleep: () => setImmediate(),
    progress: () => undefined,
  };
  return definition.run(new NodeInputs(new Map(Object.entries(inputs))), context);
}

/** The image among a node's results. */
export async function imageOf(
  name: string,
  inputs: Readonly<Record<string, NodeValue>>,
): Promise<ImageBatch> {
  const value = (await runNode(name, inputs)).values.find((each) => each instanceof ImageBatch);
  if (!(value instanceof ImageBatch)) throw new Error(`${name} gave no image`);
  return value;
}

/** The mask among a node's results. */
export async function maskOf(
  name: string,
  inputs: Readonly<Record<string, NodeValue>>,
): Promise<MaskBatch> {
  const value = (await runNode(name, inputs)).values.find((each) => each instanceof MaskBatch);
  if (!(value instanceof MaskBatch)) throw new Error(`${name} gave no mask`);
  return value;
}

/** A one-frame RGB image from grey levels. */
export function grey(width: number, height: number, levels: readonly number[]): ImageBatch {
  const frame = Uint8Array.from(levels.flatMap((level) => [level, level, level]));
  return new ImageBatch(width, height, 3, [frame]);
}

/** The red levels of a frame. */
export function reds(image: ImageBatch, frame = 0): number[] {
  const bytes = image.frames[frame] ?? new Uint8Array();
  return [...bytes].filter((_, at) => at % image.channels === 0);
}

export function mask(width: number, height: number, levels: readonly number[]): MaskBatch {
  return new MaskBatch(width, height, [Uint8Array.from(levels)]);
}

export function levels(batch: MaskBatch, frame = 0): number[] {
  return [...(batch.frames[frame] ?? [])];
}
