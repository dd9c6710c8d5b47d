import { randomBytes } from "node:crypto";
import { link, readFile, rename, rm, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { HearthError } from "../../kernel/errors.ts";
import { isJsonObject, parseJson } from "../../kernel/json.ts";
import { errorCode, isRunning, type ProcessIdentity } from "./process-identity.ts";

export interface FolderLock {
  /** Lets the next one in; does nothing when somebody else holds the lock. */
  release(): Promise<void>;
}

interface LockRecord extends ProcessIdentity {
  /** Unique to one taking of the lock. */
  readonly nonce: string;
}

/** Each retry means that another process made progress at that very moment. */
const maxAttempts = 200;
/** Starters that died one after the other in the middle of a takeover. */
const maxChainLength = 64;

/**
 * Takes the lock of a data folder for a process, from a dead holder too.
 * Errors: `data_folder_in_use`, `config_invalid` when the folder cannot hold a lock.
 *
 * The record appears whole by a hard link, which fails if the name exists. To take over from a
 * dead record one links `hearth.lock.after-<its nonce>`: that name can be won once, and whoever
 * wins it while the lock still is the dead record renames it onto the lock, in one step. A starter
 * that followed an outdated record finds a different nonce in the lock and goes back.
 */
export async function lockFolder(folder: string, holder: ProcessIdentity): Promise<FolderLock> {
  const lockPath = join(folder, "hearth.lock");
  const nonce = randomBytes(12).toString("hex");
  const draft = `${lockPath}.draft-${nonce}`;
  try {
    await writeFile(draft, JSON.stringify({ ...holder, nonce }), { flag: "wx", mode: 0o600 });
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      if (await takeOnce(folder, lockPath, draft)) {
        return { release: () => releaseLock(lockPath, nonce) };
      }
    }
  } catch (cause) {
    if (cause instanceof HearthError) throw cause;
    const reason = errorCode(cause) ?? "failed";
    const message = `The data folder ${folder} cannot be locked (${reason}); it must be a local folder that this user may write to.`;
    throw new HearthError("config_invalid", { message, cause });
  } finally {
    await rm(draft, { force: true });
  }
  throw inUse(folder, undefined);
}

/** False when the lock changed hands meanwhile and is worth another look. */
async function takeOnce(folder: string, lockPath: string, draft: string): Promise<boolean> {
  if (await linkIfFree(draft, lockPath)) return true;
  const first = await readRecord(lockPath);
  if (first === undefined) return false;
  let tail = first;
  for (let length = 0; length < maxChainLength; length++) {
    if (await isRunning(tail)) throw inUse(folder, tail.pid);
    const successor = `${lockPath}.after-${tail.nonce}`;
    if (await linkIfFree(draft, successor)) {
      if ((await readRecord(lockPath))?.nonce !== first.nonce) {
        await unlink(successor);
        return false;
      }
      await rename(successor, lockPath);
      if (tail !== first) await rm(`${lockPath}.after-${first.nonce}`, { force: true });
      return true;
    }
    const next = await readRecord(successor);
    if (next === undefined) return false;
    tail = next;
  }
  throw inUse(folder, undefined);
}

async function linkIfFree(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (thrown) {
    if (errorCode(thrown) === "EEXIST") return false;
    throw thrown;
  }
}

async function readRecord(path: string): Promise<LockRecord | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT") return undefined;
    throw thrown;
  }
  return parseRecord(text);
}

/** A record that a power cut left unreadable belongs to nobody who still runs. */
function parseRecord(text: string): LockRecord {
  const parsed = parseJson(text, { maxDepth: 2 });
  const value = parsed.ok ? parsed.value : undefined;
  if (isJsonObject(value)) {
    const { pid, startedAt, nonce } = value;
    const isNonce = typeof nonce === "string" && /^[0-9a-f]{24}$/u.test(nonce);
    if (typeof pid === "number" && typeof startedAt === "string" && isNonce) {
      return { pid, startedAt, nonce };
    }
  }
  return { pid: 0, startedAt: "", nonce: "unreadable" };
}

async function releaseLock(lockPath: string, nonce: string): Promise<void> {
  if ((await readRecord(lockPath))?.nonce === nonce) await rm(lockPath, { force: true });
}

function inUse(folder: string, pid: number | undefined): HearthError {
  const who = pid === undefined ? "Another Hearth" : `Another Hearth (process ${pid})`;
  return new HearthError("data_folder_in_use", {
    message: `${who} is running on the data folder ${folder}.`,
    details: { folder, ...(pid !== undefined && { pid }) },
  });
}
