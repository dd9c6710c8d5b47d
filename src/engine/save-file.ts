import { mkdir, open, readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { NodeFault } from "./fault.ts";
import type { EngineFolders, FileReference } from "./files.ts";
import { fillPrefix, nextCounter, splitPrefix } from "./file-prefix.ts";
import { joinInside, staysInside } from "./safe-path.ts";

export interface SaveTarget {
  readonly folders: EngineFolders;
  readonly type: "output" | "temp";
  readonly prefix: string;
  /** For the prefix's `%width%` and `%height%`; 0 where there is no picture. */
  readonly width: number;
  readonly height: number;
  readonly nowMs: number;
}

/** Attempts at a free counter when something else writes into the same folder. */
const maxAttempts = 100;

/**
 * Saves files under counted names, as ComfyUI does: `prefix_00001_.png`. `ending` is what follows
 * the digits, such as `_.png`. Errors: `NodeFault` when the prefix leaves the folder.
 */
export class FileSaver {
  readonly #target: SaveTarget;
  readonly #folder: string;
  readonly #name: string;
  #counter: number;

  private constructor(target: SaveTarget, folder: string, name: string, counter: number) {
    this.#target = target;
    this.#folder = folder;
    this.#name = name;
    this.#counter = counter;
  }

  static async open(target: SaveTarget): Promise<FileSaver> {
    const filled = fillPrefix(target.prefix, target.width, target.height, target.nowMs);
    const { subfolder, name } = splitPrefix(filled);
    const root = target.folders[target.type];
    const folder = joinInside(root, subfolder);
    if (folder === undefined || name.includes("\0") || !(await staysInside(root, folder))) {
      throw new NodeFault(
        "Exception",
        `**** ERROR: Saving image outside the output folder is not allowed.\n prefix: ${target.prefix}`,
      );
    }
    await mkdir(folder, { recursive: true });
    return new FileSaver(target, folder, name, nextCounter(await readdir(folder), name));
  }

  /** `batchIndex` fills the prefix's `%batch_num%`. */
  async save(data: Uint8Array, ending: string, batchIndex = 0): Promise<FileReference> {
    const name = this.#name.replaceAll("%batch_num%", String(batchIndex));
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const filename = `${name}_${String(this.#counter).padStart(5, "0")}${ending}`;
      this.#counter++;
      if (await writeNew(join(this.#folder, filename), data)) {
        const root = this.#target.folders[this.#target.type];
        const subfolder = relative(root, this.#folder).split(sep).join("/");
        return { filename, subfolder, type: this.#target.type };
      }
    }
    throw new NodeFault("OSError", `No free file name was found for "${this.#target.prefix}".`);
  }
}

async function writeNew(path: string, data: Uint8Array): Promise<boolean> {
  try {
    await using file = await open(path, "wx");
    await file.writeFile(data);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}
