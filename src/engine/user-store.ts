import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { isJsonObject, type JsonObject, type JsonValue } from "../kernel/json.ts";
import { joinInside, staysInside } from "./safe-path.ts";

/** How many files of a folder are listed. */
const maxListedFiles = 10_000;

export interface UserFile {
  /** Relative to the folder that was listed, with "/" between parts. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** The files and settings that a front end keeps for its one user. */
export class UserStore {
  readonly #root: string;
  readonly #settingsPath: string;

  constructor(userFolder: string) {
    this.#root = join(userFolder, "default");
    this.#settingsPath = join(this.#root, "comfy.settings.json");
  }

  async settings(): Promise<JsonObject> {
    const text = await readFile(this.#settingsPath, "utf8").catch(() => "{}");
    const value = JSON.parse(text) as JsonValue;
    return isJsonObject(value) ? value : {};
  }

  async saveSettings(changes: JsonObject): Promise<void> {
    const merged = { ...(await this.settings()), ...changes };
    await mkdir(this.#root, { recursive: true });
    await writeFile(this.#settingsPath, JSON.stringify(merged));
  }

  /** The full path of a user file, `undefined` when the name leads elsewhere. */
  async resolve(name: string): Promise<string | undefined> {
    await mkdir(this.#root, { recursive: true });
    const full = name === "" ? undefined : joinInside(this.#root, name);
    if (full === undefined || full === this.#settingsPath) return undefined;
    return (await staysInside(this.#root, full)) ? full : undefined;
  }

  /** The files below a folder, sorted; `undefined` when it is not there. */
  async list(folder: string, recurse: boolean): Promise<UserFile[] | undefined> {
    const root = await this.resolve(folder);
    if (root === undefined) return undefined;
    const entries = await readdir(root, { recursive: recurse, withFileTypes: true }).catch(
      () => undefined,
    );
    if (entries === undefined) return undefined;
    const files = entries.filter((entry) => entry.isFile()).slice(0, maxListedFiles);
    const described = files.map(async (entry): Promise<UserFile> => {
      const full = join(entry.parentPath, entry.name);
      const { size, mtimeMs } = await stat(full);
      const path = relative(root, full).split(sep).join("/");
      return { path, sizeBytes: size, modifiedMs: Math.trunc(mtimeMs) };
    });
    return (await Promise.all(described)).sort((a, b) => (a.path < b.path ? -1 : 1));
  }
}

/** Writes a file with its folders. Says `false` when it is there and must not be replaced. */
export async function writeUserFile(
  path: string,
  data: Uint8Array,
  overwrite: boolean,
): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(path, data, { flag: overwrite ? "w" : "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

export async function moveUserFile(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rename(from, to);
}

export async function removeUserFile(path: string): Promise<void> {
  await rm(path, { force: true });
}
