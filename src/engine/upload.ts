import { randomUUID } from "node:crypto";
import { copyFile, link, mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { hashFile } from "./files.ts";

/** How many names of a kind ("pic (1).png", …) are tried. */
const maxCopies = 10_000;

/**
 * Moves an uploaded file into its folder and says under which name. An equal file of that name is
 * reused; a different one stays, and the upload becomes "name (1).ext", unless it may overwrite.
 */
export async function placeUpload(
  uploaded: string,
  folder: string,
  filename: string,
  overwrite: boolean,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  if (overwrite) {
    await moveFile(uploaded, join(folder, filename));
    return filename;
  }
  const uploadedHash = await hashFile(uploaded);
  const { size } = await stat(uploaded);
  const ending = extname(filename);
  const stem = filename.slice(0, filename.length - ending.length);
  for (let copy = 0; copy < maxCopies; copy++) {
    const name = copy === 0 ? filename : `${stem} (${copy})${ending}`;
    const path = join(folder, name);
    if (await linkNew(uploaded, path)) return name;
    const taken = await stat(path);
    const isSame = taken.isFile() && taken.size === size && (await hashFile(path)) === uploadedHash;
    if (isSame) return name;
  }
  throw new Error(`There are too many files named "${filename}"`);
}

/** Gives a file a second, new name; says `false` when the name is taken. */
async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/** Replaces a file in one step, even from another file system. */
async function moveFile(from: string, to: string): Promise<void> {
  const beside = join(dirname(to), `.upload-${randomUUID()}`);
  try {
    await copyFile(from, beside);
    await rename(beside, to);
  } finally {
    await rm(beside, { force: true });
  }
}
