import { randomBytes } from "node:crypto";
import { link, lstat, mkdir, rename, rm, stat, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { ModelRef } from "../../workflow/model-ref.ts";

/** Where a ComfyUI with this models folder looks for a model. */
export function placeOf(modelsFolder: string, { folder, filename }: ModelRef): string {
  return join(modelsFolder, folder, ...filename.split("/"));
}

/** Whether `path` is the very file `blob`, by a hard or symbolic link. */
export async function isSameFile(path: string, blob: string): Promise<boolean> {
  const [one, other] = await Promise.all(
    [path, blob].map((each) => stat(each, { bigint: true }).catch(() => undefined)),
  );
  return one !== undefined && other !== undefined && one.ino === other.ino && one.dev === other.dev;
}

/**
 * Makes `blob` appear at `path` in one step, whatever was there before: ComfyUI lists a name only
 * once it leads to the whole file.
 */
export async function linkInto(blob: string, path: string): Promise<void> {
  if (await isSameFile(path, blob)) return;
  await mkdir(dirname(path), { recursive: true });
  // An ending that ComfyUI does not list.
  const draft = `${path}.${randomBytes(6).toString("hex")}.part`;
  try {
    await link(blob, draft);
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
    // Another volume, or a file system without hard links.
    if (!["EXDEV", "EPERM", "ENOTSUP", "EOPNOTSUPP", "EMLINK"].includes(code)) throw thrown;
    await symlink(blob, draft);
  }
  try {
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Size and identity of whatever file is at a place; undefined where there is none. */
export async function factsOf(
  path: string,
): Promise<{ readonly bytes: number; readonly version: string } | undefined> {
  const facts = await stat(path).catch(() => undefined);
  if (facts?.isFile() !== true) {
    // A link that leads nowhere is in the way of a new one, but it is no file.
    if ((await lstat(path).catch(() => undefined))?.isSymbolicLink() === true) await rm(path);
    return undefined;
  }
  return { bytes: facts.size, version: `${facts.ino} ${facts.size} ${facts.mtimeMs}` };
}
