import { z } from "zod";

import { err, ok, type Result } from "../../kernel/result.ts";
import { modelFolder } from "../../workflow/model-ref.ts";
import { emptyDraft, type ReleaseDraft } from "../release-draft.ts";
import type { LockedPack } from "../release-lock.ts";
import { commit, firstIssue } from "../release-parts.ts";
import { requirementLines } from "./comfy-build.ts";

const snapshotSchema = z.object({
  python: z.string().nullish(),
  comfyui: z.string(),
  models: z
    .array(
      z.object({
        /** From the root of ComfyUI: `models/loras/x.safetensors`. */
        filename: z.string(),
        sha256: z.string().nullish(),
        size: z.number().nullish(),
        disabled: z.boolean().nullish(),
        source: z.object({ download_url: z.string().nullish() }).nullish(),
      }),
    )
    .default([]),
  custom_nodes: z
    .array(z.object({ url: z.string(), commit_hash: z.string(), disabled: z.boolean().nullish() }))
    .default([]),
});

/** Reads `snapshot.json` and `requirements.txt` of a comfy-pack archive. The error names the key. */
export function draftOfComfyPack(
  snapshot: unknown,
  requirements: string,
): Result<ReleaseDraft, string> {
  const parsed = snapshotSchema.safeParse(snapshot);
  if (!parsed.success) return err(`snapshot.json: ${firstIssue(parsed.error)}`);
  const { python, comfyui, models, custom_nodes: nodes } = parsed.data;
  const notes: string[] = [];
  const files = models
    .filter(({ disabled }) => disabled !== true)
    .flatMap(({ filename, sha256, size, source }) => {
      const [root, folder, ...rest] = filename.replaceAll("\\", "/").split("/");
      if (root !== "models" || folder === undefined || rest.length === 0) {
        notes.push(`${filename} is in no model folder and is left out`);
        return [];
      }
      return [
        {
          folder: modelFolder(folder),
          filename: rest.join("/"),
          sha256: sha256?.toLowerCase() ?? null,
          bytes: size ?? null,
          sources: source?.download_url == null ? [] : [source.download_url],
        },
      ];
    });
  const isCommit = commit.safeParse(comfyui).success;
  return ok({
    ...emptyDraft,
    comfyuiVersion: isCommit ? null : comfyui,
    comfyuiCommit: isCommit ? comfyui : null,
    python: /^3\.\d{1,2}/u.exec(python ?? "")?.[0] ?? null,
    packs: nodes
      .filter(({ disabled }) => disabled !== true)
      .map(({ url, commit_hash: hash }): LockedPack => {
        const repository = url.replace(/\.git$/u, "");
        return { id: null, version: null, repository, commit: hash, sha256: null };
      }),
    models: files,
    pip: requirementLines(requirements),
    notes,
  });
}
