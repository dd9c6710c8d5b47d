import { resolve, dirname } from "node:path";

import { diffLocks, type LockChange } from "../../models/lock-diff.ts";
import { lockGaps, type ReleaseLock } from "../../models/release-lock.ts";
import { draftOfLock } from "../../models/resolve-lock.ts";
import type { CommandContext } from "../command-context.ts";
import { readLockFile } from "../lock-file.ts";
import { readInstallation } from "../release/installation.ts";
import { writeLock } from "../release/make-lock.ts";
import { lockName, readManifest } from "../release/manifest-file.ts";
import { formatTable } from "../table.ts";
import { readCatalogue } from "../workflow/catalogue.ts";

export interface LockFlags {
  readonly catalogue: string | undefined;
  readonly comfyuiDir: string | undefined;
}

/** `hearth lock write`: resolves `hearth.yaml` anew, keeping what the old lock had found out. */
export async function lockRelease(
  context: CommandContext,
  manifestPath: string,
  flags: LockFlags,
): Promise<void> {
  const { io, output } = context;
  const path = resolve(io.folder, manifestPath);
  const folder = dirname(path);
  const manifest = await readManifest(path);
  const previous = await readLockFile(resolve(folder, lockName)).catch(() => null);
  const catalogue = flags.catalogue === undefined ? null : await readCatalogue(flags.catalogue, io);
  const installed =
    flags.comfyuiDir === undefined
      ? []
      : [await readInstallation(resolve(io.folder, flags.comfyuiDir), manifest.models, io)];
  const known = [...installed, ...(previous === null ? [] : [draftOfLock(previous)])];
  const lock = await writeLock({ folder, manifest, known, catalogue, previous }, io);
  const open = lockGaps(lock);
  for (const gap of open) output.note(`open: ${gap}`);
  const changes = previous === null ? [] : diffLocks(previous, lock);
  output.result({ lock, open, changes }, previous === null ? "locked" : textOf(changes));
}

/** `hearth lock diff`: what changes from one lock to another, or to that of this folder. */
export async function diffLockFiles(
  context: CommandContext,
  before: string,
  after: string,
): Promise<void> {
  const { io, output } = context;
  const read = (path: string): Promise<ReleaseLock> => readLockFile(resolve(io.folder, path));
  const changes = diffLocks(await read(before), await read(after));
  output.result(changes, textOf(changes));
}

const marks: Readonly<Record<LockChange["kind"], string>> = {
  added: "+",
  removed: "-",
  changed: "~",
};

function textOf(changes: readonly LockChange[]): string {
  if (changes.length === 0) return "no changes";
  return formatTable(changes, [
    { title: "", text: ({ kind }) => marks[kind] },
    { title: "WHAT", text: ({ subject }) => subject },
    { title: "NAME", text: ({ name }) => name },
    { title: "CHANGE", text: ({ detail }) => detail },
  ]);
}
