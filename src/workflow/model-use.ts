import type { JsonValue } from "../kernel/json.ts";
import { modelKey, type ModelRef } from "./model-ref.ts";
import { runOrder } from "./order.ts";
import type { Workflow } from "./parse.ts";

/** A node that names a model file. */
export interface ModelUse<M extends ModelRef> {
  readonly nodeId: string;
  readonly model: M;
}

/** ComfyUI lets a text name an embedding with or without its ending. */
const embeddingPattern = /embedding:([^\s,():]+)/gu;
const modelEnding = /\.(?:safetensors|sft)$/u;

/**
 * Which of `models` a workflow names and where, in the order in which a run first reaches them. A
 * file name stands for every folder that has it: one file too many costs time, one too few the job.
 */
export function modelUses<M extends ModelRef>(
  workflow: Workflow,
  models: readonly M[],
): readonly ModelUse<M>[] {
  const byName = new Map<string, M[]>();
  for (const model of models) {
    const names = [model.filename];
    if (model.folder === "embeddings") names.push(embeddingName(model.filename));
    for (const name of names) byName.set(name, [...(byName.get(name) ?? []), model]);
  }
  const uses: ModelUse<M>[] = [];
  for (const nodeId of runOrder(workflow)) {
    const values = Object.values(workflow.get(nodeId)?.inputs ?? {});
    for (const name of new Set(values.flatMap(namesIn))) {
      for (const model of byName.get(name) ?? []) uses.push({ nodeId, model });
    }
  }
  return uses;
}

/** The models of `modelUses`, each once. */
export function modelsInOrder<M extends ModelRef>(uses: readonly ModelUse<M>[]): readonly M[] {
  return [...new Map(uses.map(({ model }) => [modelKey(model), model])).values()];
}

function namesIn(value: JsonValue): readonly string[] {
  if (typeof value !== "string") return [];
  // Windows writes subfolders the other way round.
  const name = value.replaceAll("\\", "/");
  const embeddings = [...value.matchAll(embeddingPattern)].map(([, found = ""]) =>
    embeddingName(found),
  );
  return [name, ...embeddings];
}

function embeddingName(filename: string): string {
  return `embedding:${filename.replace(modelEnding, "")}`;
}
