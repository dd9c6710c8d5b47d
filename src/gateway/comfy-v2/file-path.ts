import { HearthError } from "../../kernel/errors.ts";

const maxLength = 500;
/** Control and format characters, among them those that turn text around or cannot be seen. */
const unsafePattern = /[\p{Cc}\p{Cf}\p{Cs}]/u;

/**
 * A file's label: a relative path in its normal form, so that two spellings that look alike are
 * one. It never becomes a path on a disk here. Errors: `invalid_request` naming `file_path`.
 */
export function requireFilePath(path: string): string {
  const reason = faultOf(path);
  if (reason === undefined) return path.normalize("NFC");
  throw new HearthError("invalid_request", {
    message: `file_path ${reason}`,
    details: { field: "file_path", reason },
  });
}

function faultOf(path: string): string | undefined {
  if (path === "") return "must not be empty";
  if (path.length > maxLength) return `must have at most ${maxLength} characters`;
  if (unsafePattern.test(path)) return "holds control characters";
  if (path.includes("\\") || path.startsWith("/") || /^[A-Za-z]:/u.test(path)) {
    return "must be a relative path with forward slashes";
  }
  const segments = path.split("/");
  if (segments.some((segment) => segment === "" || /^\.+$/u.test(segment))) {
    return "must not have empty or dotted segments";
  }
  return undefined;
}
