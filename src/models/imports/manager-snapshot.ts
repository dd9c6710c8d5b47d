import { z } from "zod";

import { err, ok, type Result } from "../../kernel/result.ts";
import { emptyDraft, type ReleaseDraft } from "../release-draft.ts";
import type { LockedPack } from "../release-lock.ts";
import { commit, firstIssue } from "../release-parts.ts";

const snapshotSchema = z.object({
  comfyui: z.string().nullish(),
  git_custom_nodes: z
    .record(z.string(), z.object({ hash: z.string().nullish(), disabled: z.boolean().nullish() }))
    .default({}),
  cnr_custom_nodes: z.record(z.string(), z.string()).default({}),
  file_custom_nodes: z
    .array(z.object({ filename: z.string(), disabled: z.boolean().nullish() }))
    .default([]),
  pips: z.record(z.string(), z.string()).default({}),
});

/** Whether a document is a snapshot of ComfyUI-Manager, also inside of a `custom_nodes` key. */
export function isManagerSnapshot(value: unknown): boolean {
  const inner = z.object({ custom_nodes: z.unknown() }).safeParse(value).data?.custom_nodes;
  return [value, inner].some((each) => {
    const keys = z.record(z.string(), z.unknown()).safeParse(each).data ?? {};
    return "git_custom_nodes" in keys || "cnr_custom_nodes" in keys;
  });
}

/** Reads a snapshot of ComfyUI-Manager. Disabled packs are left out. The error names the key. */
export function draftOfManagerSnapshot(value: unknown): Result<ReleaseDraft, string> {
  const inner = z.object({ custom_nodes: z.record(z.string(), z.unknown()) }).safeParse(value);
  const parsed = snapshotSchema.safeParse(inner.data?.custom_nodes ?? value);
  if (!parsed.success) return err(firstIssue(parsed.error));
  const { comfyui, git_custom_nodes: git, cnr_custom_nodes: registry, pips } = parsed.data;
  const fromGit = Object.entries(git)
    .filter(([, { disabled }]) => disabled !== true)
    .map(([url, { hash }]): LockedPack => {
      const isCommit = commit.safeParse(hash).success;
      return {
        id: null,
        version: null,
        repository: url.replace(/\.git$/u, ""),
        commit: isCommit ? (hash ?? null) : null,
        sha256: null,
      };
    });
  const fromRegistry = Object.entries(registry).map(([id, version]): LockedPack => {
    return { id, version, repository: null, commit: null, sha256: null };
  });
  const isCommit = commit.safeParse(comfyui).success;
  return ok({
    ...emptyDraft,
    comfyuiVersion: isCommit ? null : (comfyui ?? null),
    comfyuiCommit: isCommit ? (comfyui ?? null) : null,
    packs: [...fromRegistry, ...fromGit],
    pip: Object.entries(pips).map(([name, version]) =>
      /^[\d.]/u.test(version) ? `${name}==${version}` : `${name} @ ${version}`,
    ),
    notes: parsed.data.file_custom_nodes
      .filter(({ disabled }) => disabled !== true)
      .map(({ filename }) => `${filename} is a single file, which no repository has`),
  });
}
