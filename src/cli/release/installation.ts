import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import { emptyDraft, type ReleaseDraft } from "../../models/release-draft.ts";
import type { LockedPack } from "../../models/release-lock.ts";
import type { ModelFile, ModelRef } from "../../workflow/model-ref.ts";
import { CliFailure } from "../failure.ts";
import type { Io } from "../output.ts";
import { sha256OfFile } from "./file-hash.ts";
import { readCheckout } from "./git-folder.ts";

/** Other names under which ComfyUI looks for a folder. */
const olderNames: Readonly<Record<string, string>> = {
  diffusion_models: "unet",
  text_encoders: "clip",
};
const skipped: ReadonlySet<string> = new Set([".git", "__pycache__", ".venv", "node_modules"]);
const maxPackFiles = 20_000;

/** A model file on this machine. Undefined: it is not there. */
export async function findModel(
  modelsFolder: string,
  { folder, filename }: ModelRef,
): Promise<{ readonly path: string; readonly bytes: number } | undefined> {
  for (const name of [folder, olderNames[folder]]) {
    if (name === undefined) continue;
    const path = join(modelsFolder, name, filename);
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() === true) return { path, bytes: found.size };
  }
  return undefined;
}

/**
 * What a ComfyUI folder says of itself: version, commit, packs, and of the wanted models size and
 * hash. Nothing in it is run. Errors: `usage`.
 */
export async function readInstallation(
  folder: string,
  models: readonly ModelRef[],
  io: Io,
): Promise<ReleaseDraft> {
  const version = await readFile(join(folder, "comfyui_version.py"), "utf8").catch(() => undefined);
  if (version === undefined) {
    throw new CliFailure(
      "usage",
      `${folder} is not a ComfyUI folder: it has no comfyui_version.py.`,
    );
  }
  const number = /__version__\s*=\s*["']([\w.+-]+)["']/u.exec(version)?.[1];
  const files: ModelFile[] = [];
  for (const model of models) {
    const found = await findModel(join(folder, "models"), model);
    if (found === undefined) continue;
    const sha256 = await sha256OfFile(found.path, io);
    files.push({ ...model, sha256, bytes: found.bytes, sources: [] });
  }
  return {
    ...emptyDraft,
    comfyuiVersion: number === undefined ? null : `v${number}`,
    comfyuiCommit: (await readCheckout(folder))?.commit ?? null,
    packs: await readPacks(join(folder, "custom_nodes")),
    models: files,
  };
}

async function readPacks(folder: string): Promise<readonly LockedPack[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const packs: LockedPack[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory() || skipped.has(entry.name) || entry.name.endsWith(".disabled"))
      continue;
    const path = join(folder, entry.name);
    const { repository = null, commit = null } = (await readCheckout(path)) ?? {};
    const project = await readFile(join(path, "pyproject.toml"), "utf8").catch(() => "");
    const section = /^\[project\]$([\s\S]*?)(?=^\[|$(?![\s\S]))/mu.exec(project)?.[1] ?? "";
    const id = /^name\s*=\s*["']([\w.-]+)["']/mu.exec(section)?.[1] ?? null;
    const version = /^version\s*=\s*["']([\w.+-]+)["']/mu.exec(section)?.[1] ?? null;
    const sha256 = await hashOfFolder(path);
    // A workflow may know the pack by its id, or by its repository only.
    if (id !== null) packs.push({ id, version, repository, commit, sha256 });
    if (repository !== null) packs.push({ id: null, version: null, repository, commit, sha256 });
  }
  return packs;
}

/** SHA-256 over the sorted lines `path, NUL, SHA-256 of the file`; null for too large a folder. */
async function hashOfFolder(root: string): Promise<string | null> {
  const lines: string[] = [];
  const pending = [""];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const entries = await readdir(join(root, folder), { withFileTypes: true });
    for (const entry of entries) {
      if (skipped.has(entry.name)) continue;
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) pending.push(path);
      else if (entry.isFile()) {
        if (lines.length === maxPackFiles) return null;
        const hash = createHash("sha256").update(await readFile(join(root, path)));
        lines.push(`${path}\0${hash.digest("hex")}\n`);
      }
    }
  }
  return createHash("sha256").update(lines.sort().join("")).digest("hex");
}
