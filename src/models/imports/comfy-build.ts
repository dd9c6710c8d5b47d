import { z } from "zod";

import { err, ok, type Result } from "../../kernel/result.ts";
import { modelFolder } from "../../workflow/model-ref.ts";
import { emptyDraft, type ReleaseDraft } from "../release-draft.ts";
import type { LockedPack } from "../release-lock.ts";
import { commit, firstIssue } from "../release-parts.ts";

const text = z.string().nullish();

const definitionSchema = z.object({
  baseComfyVersion: text,
  models: z
    .array(
      z.object({
        type: z.string().min(1),
        filename: text,
        sourceUri: text,
        sha256: text,
        sizeBytes: z.number().nullish(),
        blobId: text,
      }),
    )
    .max(512)
    .default([]),
  customNodes: z
    .array(
      z.object({
        name: text,
        id: text,
        registryVersion: text,
        repository: text,
        gitRef: text,
        commit: text,
        blobId: text,
      }),
    )
    .max(512)
    .default([]),
  pipDependencies: text,
});

const specSchema = z.object({ schema: z.string(), definition: definitionSchema });

/** Whether a document is a `comfy-build.yaml`. */
export function isComfyBuild(value: unknown): boolean {
  return (
    specSchema.pick({ schema: true }).safeParse(value).data?.schema.startsWith("comfy-build/") ??
    false
  );
}

/** Reads a `comfy-build.yaml` of the Comfy CLI. The error names the key and the reason. */
export function draftOfComfyBuild(value: unknown): Result<ReleaseDraft, string> {
  const parsed = specSchema.safeParse(value);
  if (!parsed.success) return err(firstIssue(parsed.error));
  const { definition } = parsed.data;
  const notes: string[] = [];
  const models = definition.models.flatMap((model) => {
    const filename = model.filename ?? fileOfUrl(model.sourceUri ?? "");
    if (filename === "") {
      notes.push(`a model of ${model.type} has neither a file name nor a source and is left out`);
      return [];
    }
    if (model.blobId != null) notes.push(`${model.type}/${filename} is an upload of theirs`);
    const [folder = "", ...inner] = model.type.split("/");
    return [
      {
        folder: modelFolder(folder),
        filename: [...inner, filename].join("/"),
        sha256: model.sha256?.toLowerCase() ?? null,
        bytes: model.sizeBytes ?? null,
        sources: model.sourceUri == null ? [] : [model.sourceUri],
      },
    ];
  });
  const packs = definition.customNodes.map((node): LockedPack => {
    const isCommit = commit.safeParse(node.gitRef).success;
    const name = node.id ?? node.name ?? node.repository ?? "?";
    if (node.blobId != null) notes.push(`the pack ${name} is an upload of theirs`);
    return {
      id: node.registryVersion == null ? null : (node.id ?? node.name ?? null),
      version: node.registryVersion ?? (isCommit ? null : (node.gitRef ?? null)),
      repository: node.repository ?? null,
      commit: node.commit ?? (isCommit ? (node.gitRef ?? null) : null),
      sha256: null,
    };
  });
  return ok({
    ...emptyDraft,
    comfyuiVersion: definition.baseComfyVersion ?? null,
    packs: packs.filter(({ id, repository }) => id !== null || repository !== null),
    models,
    pip: requirementLines(definition.pipDependencies ?? ""),
    notes,
  });
}

/** The lines of a requirements file that name a package; options of pip are not taken over. */
export function requirementLines(file: string): readonly string[] {
  return file
    .split(/\r?\n/u)
    .map((line) => line.replace(/(?:^|\s)#.*$/u, "").trim())
    .filter((line) => line !== "" && !line.startsWith("-"));
}

function fileOfUrl(url: string): string {
  const path = /^https?:\/\/[^/]+\/([^?#]*)/u.exec(url)?.[1] ?? "";
  return path.slice(path.lastIndexOf("/") + 1);
}
