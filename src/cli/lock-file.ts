import { readFile } from "node:fs/promises";

import { HearthError, errorMessage } from "../kernel/errors.ts";
import { parseJson } from "../kernel/json.ts";
import { parseLock, type ReleaseLock } from "../models/release-lock.ts";

/** A warmup workflow inside is the deepest part. */
const maxDepth = 64;

/** Reads a `hearth.lock`. Errors: `config_invalid` naming file, key and reason. */
export async function readLockFile(path: string): Promise<ReleaseLock> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw unusable(path, errorMessage(cause), cause);
  });
  const parsed = parseJson(text, { maxDepth });
  if (!parsed.ok) throw unusable(path, parsed.error.message);
  const lock = parseLock(parsed.value);
  if (!lock.ok) throw unusable(path, lock.error);
  return lock.value;
}

function unusable(path: string, reason: string, cause?: unknown): HearthError {
  const message = `The lock ${path} cannot be used: ${reason}.`;
  return new HearthError("config_invalid", { message, details: { file: path }, cause });
}
