import { HearthError, errorMessage } from "../../kernel/errors.ts";

/** A file cannot be fetched from where it should be; `reason` is for machines. */
export function unavailable(place: string, reason: string, cause?: unknown): HearthError {
  const detail = cause === undefined ? "" : ` (${errorMessage(cause)})`;
  const message = `${place} could not be fetched: ${reason}${detail}.`;
  return new HearthError("model_unavailable", { message, details: { place, reason }, cause });
}

/** A file is not what it should be. */
export function refused(place: string, reason: string): HearthError {
  const message = `${place} is refused: ${reason}.`;
  return new HearthError("model_refused", { message, details: { place, reason } });
}

/** Whatever a disk operation threw; a full disk as such. */
export function diskFault(thrown: unknown): unknown {
  const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  // EFBIG: the file system, or a limit on the process, takes no file of this size.
  if (!["ENOSPC", "EDQUOT", "EFBIG"].includes(code)) return thrown;
  return new HearthError("disk_full", { cause: thrown, details: { reason: code } });
}
