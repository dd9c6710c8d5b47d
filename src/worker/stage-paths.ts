import { isJsonObject } from "../kernel/json.ts";

type Json = Record<string, unknown>;

const maxNameLength = 100;

/** Where an input is kept: named by its content, so that a repeat finds file and cache warm. */
export interface StagedName {
  readonly subfolder: string;
  readonly filename: string;
}

/** The place of an input below ComfyUI's `input/` folder. */
export function stagedName(hash: string, filename: string): StagedName {
  const digest = hash.slice(hash.indexOf(":") + 1).replaceAll(/[^0-9a-f]/gu, "");
  return { subfolder: `hearth/${digest.slice(0, 16)}`, filename: safeFilename(filename) };
}

/** A file name that no operating system, and no loader of ComfyUI, reads as anything else. */
export function safeFilename(filename: string): string {
  const base = filename.slice(Math.max(filename.lastIndexOf("/"), filename.lastIndexOf("\\")) + 1);
  // ComfyUI reads "name [output]" as another folder's file.
  const plain = base.normalize("NFC").replaceAll(/[^\p{L}\p{N}._ ()+-]+/gu, "_");
  const trimmed = plain.replace(/^[. ]+/u, "").replace(/[. ]+$/u, "");
  if (trimmed === "") return "file";
  if (trimmed.length <= maxNameLength) return trimmed;
  const dot = trimmed.lastIndexOf(".");
  const extension = dot > 0 && trimmed.length - dot <= 12 ? trimmed.slice(dot) : "";
  return trimmed.slice(0, maxNameLength - extension.length) + extension;
}

/**
 * A copy of the workflow with values put in at their paths; what is not on a path is shared. A
 * path that leads nowhere is left alone, for ComfyUI's own validation to name.
 */
export function withValues(
  workflow: Readonly<Json>,
  values: readonly { readonly path: readonly (string | number)[]; readonly value: string }[],
): Json {
  let root: Json = { ...workflow };
  for (const { path, value } of values) root = replaceAt(root, path, value) as Json;
  return root;
}

function replaceAt(target: unknown, path: readonly (string | number)[], value: string): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(target)) {
    const index = Number(key);
    if (!(index in target)) return target;
    return target.with(index, replaceAt(target[index], rest, value));
  }
  if (!isJsonObject(target) || !Object.hasOwn(target, key)) return target;
  return { ...target, [key]: replaceAt(target[key], rest, value) };
}
