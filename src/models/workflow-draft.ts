import type { PackNeed } from "../workflow/pack-needs.ts";
import type { Requirements } from "../workflow/requirements.ts";
import { emptyDraft, type ReleaseDraft } from "./release-draft.ts";
import type { LockedPack } from "./release-lock.ts";
import { commit } from "./release-parts.ts";

/** What a workflow asks of an environment. What is not clear becomes a note, never a guess. */
export function draftOfRequirements(needs: Requirements): ReleaseDraft {
  const notes: string[] = [];
  const packs: LockedPack[] = [];
  for (const need of needs.packs) {
    const [only, ...others] = need.candidates;
    if (only === undefined) notes.push(`nobody is known to bring the class ${need.classType}`);
    else if (others.length > 0) notes.push(choiceOf(need));
    else packs.push(packOf(only));
  }
  for (const { filename, classType, folders } of needs.unplacedModels) {
    const where =
      folders.length === 0 ? "no folder is known" : `it may be in ${folders.join(", ")}`;
    notes.push(`the model ${filename} of ${classType}: ${where}`);
  }
  const models = needs.models.map(({ folder, filename, sha256, bytes, sources }) => {
    return { folder, filename, sha256, bytes, sources };
  });
  return { ...emptyDraft, packs, models, notes };
}

function choiceOf({ classType, candidates }: PackNeed): string {
  const names = candidates.map(({ id, repository }) => id ?? repository ?? "?");
  return `the class ${classType} is in several packs, of which one must be chosen: ${names.join(", ")}`;
}

function packOf(candidate: PackNeed["candidates"][number]): LockedPack {
  const { id, repository, version } = candidate;
  const isCommit = commit.safeParse(version).success;
  return {
    id,
    repository,
    // A commit of the registry's pack would need its repository to mean anything.
    version: isCommit ? null : version,
    commit: isCommit && repository !== null ? version : null,
    sha256: null,
  };
}
