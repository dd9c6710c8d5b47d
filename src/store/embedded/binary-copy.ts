import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import {
  access,
  chmod,
  copyFile,
  mkdir,
  open,
  readdir,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";

import { HearthError, errorMessage } from "../../kernel/errors.ts";
import { isMovable, repairLinks } from "./binary-links.ts";
import { errorCode } from "./process-identity.ts";
import { isReachable, type ServerAccount } from "./server-account.ts";

/** Needed to build programs against Postgres, not to run it. */
const leftOut = /\.a$|^pkgconfig$|^include$/u;

/**
 * Copies an installation (about 58 MB) to the first folder that the account can reach, unless it
 * is there already, and returns its `bin`. Errors: `database_unavailable`.
 */
export async function copyInstallation(
  installation: string,
  folders: readonly string[],
  account: ServerAccount | undefined,
): Promise<string> {
  const reasons: string[] = [];
  if (await isMovable(installation)) {
    const key = await contentKey(join(installation, "bin", "postgres"));
    for (const folder of folders) {
      try {
        await prepareFolder(folder, account);
        return join(await copyOnce(installation, join(folder, `postgres-${key}`)), "bin");
      } catch (thrown) {
        reasons.push(`${folder}: ${errorMessage(thrown)}`);
      }
    }
  }
  const who = account === undefined ? "this user" : `user ${account.uid}, whom Postgres runs as,`;
  const tried = reasons.length === 0 ? "" : ` Tried to copy them (${reasons.join("; ")}).`;
  throw new HearthError("database_unavailable", {
    message: `${who} cannot use the Postgres programs in ${installation}.${tried} Install Hearth where every user may read it, run it as an ordinary user, or set DATABASE_URL.`,
  });
}

/** Copies are told apart by what they hold, so a new version never meets old files. */
async function contentKey(program: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(program), hash);
  return hash.digest("hex").slice(0, 16);
}

async function prepareFolder(folder: string, account: ServerAccount | undefined): Promise<void> {
  if (!(await isReachable(dirname(folder), account, "search"))) {
    throw new Error("out of that user's reach");
  }
  const made = await mkdir(folder, { recursive: true });
  if (made !== undefined) await chmod(folder, 0o755);
  const found = await stat(folder);
  const isOurs = process.geteuid === undefined || found.uid === process.geteuid();
  // Whoever else may write here could exchange the programs.
  if (!isOurs || (found.mode & 0o022) !== 0) throw new Error("others may write to it");
  if (!(await isReachable(folder, account, "search"))) throw new Error("out of that user's reach");
}

async function copyOnce(installation: string, target: string): Promise<string> {
  const isThere = await access(target).then(
    () => true,
    () => false,
  );
  if (isThere) return target;
  const draft = `${target}.new-${randomBytes(6).toString("hex")}`;
  try {
    await copyTree(installation, draft);
    if (!(await repairLinks(draft))) throw new Error("no links can be made in it");
    await rename(draft, target);
  } catch (thrown) {
    await rm(draft, { recursive: true, force: true });
    // Another process was faster.
    if (!["EEXIST", "ENOTEMPTY"].includes(errorCode(thrown) ?? "")) throw thrown;
  }
  return target;
}

/** The modes are set, not kept: an install under a strict umask is what brings us here. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o755);
  // At once, so that the syncs of a folder share their waits; the largest holds some 250 entries.
  await Promise.all(
    (await readdir(from, { withFileTypes: true })).map(async (entry) => {
      if (leftOut.test(entry.name)) return;
      const source = join(from, entry.name);
      const target = join(to, entry.name);
      if (entry.isDirectory()) await copyTree(source, target);
      else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
      else await copyDurably(source, target);
    }),
  );
}

async function copyDurably(source: string, target: string): Promise<void> {
  await copyFile(source, target);
  const isProgram = ((await stat(source)).mode & 0o100) !== 0;
  await chmod(target, isProgram ? 0o755 : 0o644);
  const file = await open(target, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
