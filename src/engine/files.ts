import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { joinInside, staysInside } from "./safe-path.ts";

export type FolderType = "input" | "output" | "temp";

/** How many names of the input folder `/object_info` lists. */
const maxListedFiles = 10_000;

/** Where a file lies, as uploads, outputs and `/view` name it. */
export interface FileReference {
  readonly filename: string;
  readonly subfolder: string;
  readonly type: FolderType;
}

export interface EngineFolders {
  readonly input: string;
  readonly output: string;
  readonly temp: string;
  readonly user: string;
}

/** Makes the folders below `base`; what lay in `temp` is gone, as at every start of ComfyUI. */
export async function openFolders(base: string): Promise<EngineFolders> {
  const root = resolve(base);
  const folders = {
    input: join(root, "input"),
    output: join(root, "output"),
    temp: join(root, "temp"),
    user: join(root, "user"),
  };
  await rm(folders.temp, { recursive: true, force: true });
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true });
  return folders;
}

export function isFolderType(text: string): text is FolderType {
  return text === "input" || text === "output" || text === "temp";
}

/** Splits "sub/name.png [output]" into its path and folder; the input folder unless named. */
export function parseAnnotatedName(name: string): { path: string; type: FolderType } {
  const match = /^(?<path>.*) ?\[(?<type>input|output|temp)\]$/su.exec(name);
  const type = match?.groups?.["type"];
  const path = match?.groups?.["path"];
  if (type === undefined || path === undefined || !isFolderType(type)) {
    return { path: name, type: "input" };
  }
  return { path: path.trimEnd(), type };
}

/** The full path of an existing file that a loader names, or `undefined`. */
export async function findNamedFile(
  folders: EngineFolders,
  name: string,
): Promise<string | undefined> {
  const { path, type } = parseAnnotatedName(name);
  const full = joinInside(folders[type], path);
  if (full === undefined || path === "") return undefined;
  const found = await stat(full).catch(() => undefined);
  if (found?.isFile() !== true) return undefined;
  return (await staysInside(folders[type], full)) ? full : undefined;
}

/** The SHA-256 of a file's bytes, hexadecimal. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** The names of the files directly in the input folder, sorted. */
export async function listInputFiles(folders: EngineFolders): Promise<string[]> {
  const entries = await readdir(folders.input, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  return names.sort().slice(0, maxListedFiles);
}
