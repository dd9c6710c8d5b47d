import { HearthError } from "../../kernel/errors.ts";

/** What an operator has to repair: no space, no quota, read-only, a failing disk, too many files. */
const outages: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE"]);

/** Undefined where no file is; other failures go on as ours. */
export function absent(thrown: unknown): undefined {
  const code = errorCodeOf(thrown);
  if (code !== "ENOENT" && code !== "ENOTDIR") throw storageError(thrown);
}

/** `service_unavailable` where the disk is at fault; anything else as it is. */
export function storageError(thrown: unknown): unknown {
  const code = errorCodeOf(thrown);
  if (code === undefined || !outages.has(code)) return thrown;
  const message = `The blob folder cannot be used (${code})`;
  return new HearthError("service_unavailable", { message, cause: thrown, retryAfterSeconds: 30 });
}

export function errorCodeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
}
