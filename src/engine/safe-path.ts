import { realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

/** `root` joined with relative parts, or `undefined` when that would leave `root`. Looks at names only. */
export function joinInside(root: string, ...parts: readonly string[]): string | undefined {
  if (parts.some((part) => part.includes("\0") || isAbsolute(part) || part.startsWith("\\"))) {
    return undefined;
  }
  const full = resolve(root, ...parts.map((part) => part.replaceAll("\\", "/")));
  return isInside(root, full) ? full : undefined;
}

function isInside(root: string, full: string): boolean {
  const way = relative(root, full);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/**
 * Whether a path is still inside `root` once symbolic links are followed. A path that does not
 * exist yet is judged by its nearest existing folder.
 */
export async function staysInside(root: string, full: string): Promise<boolean> {
  const realRoot = await realpath(root);
  let at = full;
  const missing: string[] = [];
  for (;;) {
    const real = await realpath(at).catch(() => undefined);
    if (real !== undefined) return isInside(realRoot, join(real, ...missing));
    if (dirname(at) === at) return false;
    missing.unshift(basename(at));
    at = dirname(at);
  }
}
