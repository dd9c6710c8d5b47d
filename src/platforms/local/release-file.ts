import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { HearthError } from "../../kernel/errors.ts";

const releaseSchema = z.strictObject({
  name: z.string().min(1),
  /** A folder, a URL, or `engine`. */
  comfyui: z.string().min(1),
  maxWorkers: z.int().min(1),
  marks: z.record(z.string(), z.string()),
});

export type LocalRelease = z.infer<typeof releaseSchema>;

/** The release that is applied to this machine's workers: one file, read at each launch. */
export class ReleaseFile {
  private readonly folder: string;

  /** `folder` is the one of the workers. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** Errors: `config_invalid` where the file is not what was written. */
  async read(): Promise<LocalRelease | undefined> {
    let text: string;
    try {
      text = await readFile(this.path, "utf8");
    } catch (thrown) {
      if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined;
      throw thrown;
    }
    const parsed = releaseSchema.safeParse(jsonIn(text));
    if (parsed.success) return parsed.data;
    const message = `${this.path} is not a release; remove it and apply the release again.`;
    throw new HearthError("config_invalid", { message, cause: parsed.error });
  }

  /** On the disk when it resolves; the old or the new release is there at every moment. */
  async write(release: LocalRelease): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const draft = `${this.path}.new`;
    const handle = await open(draft, "w", 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(release, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, this.path);
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }

  get path(): string {
    return join(this.folder, "release");
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
