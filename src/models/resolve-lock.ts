import { modelKey, type ModelFile } from "../workflow/model-ref.ts";
import { mergeDrafts, emptyDraft, type ReleaseDraft } from "./release-draft.ts";
import { packName, type LockedModel, type ReleaseLock } from "./release-lock.ts";
import type { ReleaseManifest } from "./release-manifest.ts";
import { commit } from "./release-parts.ts";

const comfyuiRepository = "https://github.com/comfyanonymous/ComfyUI";

/** What stands beside a manifest when its lock is made. */
export interface LockFacts {
  /** What an installation, an earlier lock or an imported file knows; the first to know wins. */
  readonly known: readonly ReleaseDraft[];
  readonly workflows: ReleaseLock["workflows"];
  readonly nodeCatalogue: ReleaseLock["nodeCatalogue"];
  readonly warmup: Readonly<Record<string, unknown>> | null;
}

/** The lock of a manifest: its entries and no others, with all that is known of them. */
export function resolveLock(manifest: ReleaseManifest, facts: LockFacts): ReleaseLock {
  const wanted = draftOfManifest(manifest);
  const all = mergeDrafts([wanted, ...facts.known]);
  const packs = new Set(wanted.packs.map(packName));
  const models = new Set(wanted.models.map(modelKey));
  return {
    schema: "hearth.lock/1",
    name: manifest.name,
    comfyui: {
      repository: comfyuiRepository,
      version: all.comfyuiVersion,
      commit: all.comfyuiCommit,
    },
    python: all.python,
    packs: all.packs.filter((pack) => packs.has(packName(pack))),
    models: all.models
      .filter((model) => models.has(modelKey(model)))
      .map((model) => mutable(model)),
    pip: [...wanted.pip],
    nodeCatalogue: facts.nodeCatalogue,
    workflows: facts.workflows,
    deployment: {
      warmup: facts.warmup === null ? null : { ...facts.warmup },
      comfyuiArguments: manifest.deployment.comfyuiArguments,
    },
  };
}

function mutable({ folder, filename, sha256, bytes, sources }: ModelFile): LockedModel {
  return { folder, filename, sha256, bytes, sources: [...sources] };
}

function draftOfManifest({ comfyui, python, packs, models, pip }: ReleaseManifest): ReleaseDraft {
  const isCommit = commit.safeParse(comfyui).success;
  return {
    ...emptyDraft,
    comfyuiVersion: comfyui ?? null,
    comfyuiCommit: isCommit ? (comfyui ?? null) : null,
    python: python ?? null,
    packs: packs.map(({ id, version, repository, ref }) => {
      const hasCommit = commit.safeParse(ref).success;
      return {
        id: id ?? null,
        version: version ?? (hasCommit ? null : (ref ?? null)),
        repository: repository ?? null,
        commit: hasCommit ? (ref ?? null) : null,
        sha256: null,
      };
    }),
    models: models.map(({ folder, filename, sources, sha256 }) => {
      return { folder, filename, sources, sha256: sha256 ?? null, bytes: null };
    }),
    pip,
  };
}

/** A lock as something that is known: so a new lock keeps what an old one had found out. */
export function draftOfLock(lock: ReleaseLock): ReleaseDraft {
  return {
    ...emptyDraft,
    comfyuiVersion: lock.comfyui.version,
    comfyuiCommit: lock.comfyui.commit,
    python: lock.python,
    packs: lock.packs,
    models: lock.models,
  };
}

/** The manifest that asks for what a draft has found. */
export function manifestOf(
  name: string,
  draft: ReleaseDraft,
  workflows: readonly string[],
): ReleaseManifest {
  const comfyui = draft.comfyuiVersion ?? draft.comfyuiCommit;
  return {
    name,
    ...(comfyui !== null && { comfyui }),
    ...(draft.python !== null && { python: draft.python }),
    packs: draft.packs.map(({ id, version, repository, commit: at }) => ({
      ...(id !== null && { id }),
      ...(id !== null && version !== null && { version }),
      ...(repository !== null && { repository }),
      ...((at ?? (id === null ? version : null)) !== null && { ref: at ?? version ?? "" }),
    })),
    models: draft.models.map(({ folder, filename, sources, sha256 }) => {
      return { folder, filename, sources: [...sources], ...(sha256 !== null && { sha256 }) };
    }),
    pip: [...draft.pip],
    workflows: [...workflows],
    deployment: { comfyuiArguments: [] },
  };
}
