import { modelKey, type ModelFile } from "../workflow/model-ref.ts";
import { packName, type LockedPack } from "./release-lock.ts";

/** What one file says of an environment; several files add up. */
export interface ReleaseDraft {
  readonly comfyuiVersion: string | null;
  readonly comfyuiCommit: string | null;
  readonly python: string | null;
  readonly packs: readonly LockedPack[];
  readonly models: readonly ModelFile[];
  readonly pip: readonly string[];
  /** What could not be taken over, in words. */
  readonly notes: readonly string[];
}

export const emptyDraft: ReleaseDraft = {
  comfyuiVersion: null,
  comfyuiCommit: null,
  python: null,
  packs: [],
  models: [],
  pip: [],
  notes: [],
};

const maxSources = 16;

/** Several drafts as one: the first to say something wins, what one lacks another may know. */
export function mergeDrafts(drafts: readonly ReleaseDraft[]): ReleaseDraft {
  const comfyuiVersion = firstOf(drafts.map((draft) => draft.comfyuiVersion));
  // The commit of another version is not this one's.
  const agreeing = drafts.filter((draft) => agree(draft.comfyuiVersion, comfyuiVersion));
  return {
    comfyuiVersion,
    comfyuiCommit: firstOf(agreeing.map((draft) => draft.comfyuiCommit)),
    python: firstOf(drafts.map((draft) => draft.python)),
    packs: mergeBy(
      drafts.flatMap(({ packs }) => packs),
      packName,
      mergePacks,
    ),
    models: mergeBy(
      drafts.flatMap(({ models }) => models),
      modelKey,
      mergeFiles,
    ),
    pip: [...new Set(drafts.flatMap(({ pip }) => pip))],
    notes: drafts.flatMap(({ notes }) => notes),
  };
}

function firstOf<Value>(values: readonly (Value | null)[]): Value | null {
  return values.find((value) => value !== null) ?? null;
}

function mergeBy<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  merge: (first: Item, next: Item) => Item,
): readonly Item[] {
  const merged = new Map<string, Item>();
  for (const item of items) {
    const known = merged.get(nameOf(item));
    merged.set(nameOf(item), known === undefined ? item : merge(known, item));
  }
  return [...merged.values()];
}

/** Whether two who may know something do not contradict each other. */
function agree(left: string | null, right: string | null): boolean {
  return left === null || right === null || left === right;
}

function mergePacks(first: LockedPack, next: LockedPack): LockedPack {
  if (!agree(first.version, next.version) || !agree(first.commit, next.commit)) return first;
  return {
    id: first.id ?? next.id,
    version: first.version ?? next.version,
    repository: first.repository ?? next.repository,
    commit: first.commit ?? next.commit,
    sha256: first.sha256 ?? next.sha256,
  };
}

function mergeFiles(first: ModelFile, next: ModelFile): ModelFile {
  if (!agree(first.sha256, next.sha256)) return first;
  return {
    folder: first.folder,
    filename: first.filename,
    sha256: first.sha256 ?? next.sha256,
    bytes: first.bytes ?? next.bytes,
    sources: [...new Set([...first.sources, ...next.sources])].slice(0, maxSources),
  };
}
