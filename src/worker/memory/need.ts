import { stat } from "node:fs/promises";
import { join } from "node:path";

import { isJsonObject } from "../../kernel/json.ts";
import type { ModelNeed } from "../../memory/admit.ts";
import { coreLoaders } from "../../workflow/loader-table.ts";
import { modelNeedsOf } from "../../workflow/model-needs.ts";
import { modelKey, type ModelRef } from "../../workflow/model-ref.ts";
import { parseWorkflow } from "../../workflow/parse.ts";
import { pictureSizeOf } from "../../workflow/picture-size.ts";
import { estimateVram } from "../../workflow/vram.ts";

/** What a job asks of a card. */
export interface MemoryNeed {
  readonly models: readonly ModelNeed[];
  readonly inferenceBytes: number;
}

/** The gateway has judged the workflow already; this only bounds the work. */
const maxNodes = 200_000;
/** What a card takes in from RAM in a millisecond, carefully reckoned. */
const loadedBytesPerMs = 1_500_000;

/**
 * Reads off a workflow what it will take. `peakBytes` is what earlier runs have taught, 0 for
 * nothing; `bytesOf` knows the sizes of model files, and one it does not know counts as none.
 */
export async function memoryNeedOf(
  workflow: unknown,
  peakBytes: number,
  bytesOf: (ref: ModelRef) => Promise<number | undefined>,
): Promise<MemoryNeed> {
  const parsed = isJsonObject(workflow) ? parseWorkflow(workflow, { maxNodes }) : undefined;
  if (parsed?.ok !== true) return { models: [], inferenceBytes: peakBytes };
  const { models } = modelNeedsOf(parsed.value, coreLoaders);
  const sizes = await Promise.all(models.map((model) => bytesOf(model)));
  const known = sizes.map((bytes) => bytes ?? 0);
  const weightsBytes = known.reduce((sum, bytes) => sum + bytes, 0);
  const { activationBytes } = estimateVram({
    modelBytes: known,
    size: pictureSizeOf(parsed.value),
  });
  const inferenceBytes = peakBytes > 0 ? Math.max(0, peakBytes - weightsBytes) : activationBytes;
  // A peak below the weights: they are not all on the card at once.
  const share = peakBytes > 0 && weightsBytes > peakBytes ? peakBytes / weightsBytes : 1;
  const needs = models.map((model, at): ModelNeed => {
    const bytes = Math.floor((known[at] ?? 0) * share);
    return { name: modelKey(model), bytes, reloadMs: Math.ceil(bytes / loadedBytesPerMs) };
  });
  return { models: needs, inferenceBytes };
}

/** Sizes of the files in ComfyUI's own model folders. */
export function modelFileSizes(
  modelsDirectory: string | undefined,
): (ref: ModelRef) => Promise<number | undefined> {
  return async ({ folder, filename }) => {
    // A workflow names files; none of them leads out of its folder.
    if (modelsDirectory === undefined || /(?:^|[/\\])\.\.(?:[/\\]|$)/u.test(filename))
      return undefined;
    const path = join(modelsDirectory, folder, filename);
    const found = await stat(path).catch(() => undefined);
    return found?.isFile() === true ? found.size : undefined;
  };
}
