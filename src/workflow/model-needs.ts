import { inputKind } from "./input-kind.ts";
import { builtInModels, looksLikeModelFile, type LoaderTable } from "./loader-table.ts";
import { modelKey, type ModelFile } from "./model-ref.ts";
import { runOrder } from "./order.ts";
import type { Workflow } from "./parse.ts";

/** Where in a workflow a model is named. */
export interface ModelPlace {
  readonly nodeId: string;
  readonly classType: string;
  readonly input: string;
}

/** A model file that a workflow needs, and the places that say so. */
export interface ModelNeed extends ModelFile {
  readonly places: readonly ModelPlace[];
}

/** A value that looks like a model file, in a class of which no folder is known. */
export interface UnplacedModel extends ModelPlace {
  readonly filename: string;
  /** Folders in which such a file has been seen; several are shown, none is guessed. */
  readonly folders: readonly string[];
}

export interface ModelNeeds {
  /** In the order in which a run can reach them. */
  readonly models: readonly ModelNeed[];
  readonly unplaced: readonly UnplacedModel[];
}

/** In a prompt: `embedding:name`, up to a space, a comma or a bracket. */
const embedding = /\bembedding:([^\s,()[\]:<>]{1,200})/gu;
const maxEmbeddings = 100;

/**
 * The model files that a workflow names. `known` tells more of a file: what the saved workflow
 * says of it, or a lock file.
 */
export function modelNeedsOf(
  workflow: Workflow,
  loaders: LoaderTable,
  known: readonly ModelFile[] = [],
): ModelNeeds {
  const files = new Map(known.map((file) => [modelKey(file), file]));
  const uses = new Map<string, ModelFile & { readonly places: ModelPlace[] }>();
  const unplaced: UnplacedModel[] = [];
  const add = (folder: string, filename: string, place: ModelPlace): void => {
    const bare = { folder, filename, sha256: null, bytes: null, sources: [] };
    const key = modelKey(bare);
    const entry = uses.get(key) ?? { ...(files.get(key) ?? bare), places: [] };
    entry.places.push(place);
    uses.set(key, entry);
  };
  for (const nodeId of runOrder(workflow)) {
    const node = workflow.get(nodeId);
    if (node === undefined) continue;
    const folders = loaders.get(node.classType);
    for (const [input, value] of Object.entries(node.inputs)) {
      if (typeof value !== "string") continue;
      const place = { nodeId, classType: node.classType, input };
      const folder = folders?.get(input);
      if (folder !== undefined) {
        if (!builtInModels.has(value)) add(folder, withSlashes(value), place);
      } else if (folders === undefined && looksLikeModel(place, value)) {
        unplaced.push({ ...place, filename: withSlashes(value), folders: foldersOf(value, known) });
      } else {
        for (const name of embeddingsIn(value)) add("embeddings", name, place);
      }
    }
  }
  return { models: [...uses.values()], unplaced };
}

function looksLikeModel({ classType, input }: ModelPlace, value: string): boolean {
  return looksLikeModelFile(value) && inputKind(classType, input, value) === "setting";
}

/** A workflow made on Windows spells subfolders with `\`. */
function withSlashes(name: string): string {
  return name.replaceAll("\\", "/");
}

function foldersOf(filename: string, known: readonly ModelFile[]): readonly string[] {
  const name = withSlashes(filename);
  return [...new Set(known.filter((file) => file.filename === name).map(({ folder }) => folder))];
}

function embeddingsIn(text: string): readonly string[] {
  if (!text.includes("embedding:")) return [];
  return [...text.matchAll(embedding)].slice(0, maxEmbeddings).map(([, name]) => name ?? "");
}
