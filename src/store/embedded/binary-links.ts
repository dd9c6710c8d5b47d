import { access, readFile, symlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";

import { isJsonObject, parseJson } from "../../kernel/json.ts";
import { errorCode } from "./process-identity.ts";

interface Link {
  /** Both relative to the folder that holds `bin` and `lib`. */
  readonly source: string;
  readonly target: string;
}

/**
 * Makes the library links that npm packages cannot hold; the package's own install script makes
 * them too, but npm may be told not to run it. False when the folder is not ours to write to.
 */
export async function repairLinks(installation: string): Promise<boolean> {
  for (const link of await readLinks(installation)) {
    const target = join(installation, link.target);
    if (await exists(target)) continue;
    const source = relative(dirname(link.target), link.source);
    try {
      await symlink(source, target);
    } catch (thrown) {
      // Another process may have made it since.
      if (!(await exists(target))) {
        if (["EACCES", "EPERM", "EROFS", "EEXIST"].includes(errorCode(thrown) ?? "")) return false;
        throw thrown;
      }
    }
  }
  return true;
}

/** Whether the folder is one of the npm packages, which run wherever they are copied. */
export async function isMovable(installation: string): Promise<boolean> {
  return exists(listPath(installation));
}

function listPath(installation: string): string {
  return join(installation, "pg-symlinks.json");
}

async function readLinks(installation: string): Promise<readonly Link[]> {
  if (!(await isMovable(installation))) return [];
  const parsed = parseJson(await readFile(listPath(installation), "utf8"), { maxDepth: 3 });
  if (!parsed.ok) throw parsed.error;
  if (!Array.isArray(parsed.value)) return [];
  return (parsed.value as readonly unknown[]).flatMap((entry) => {
    if (!isJsonObject(entry)) return [];
    const { source, target } = entry;
    return typeof source === "string" && typeof target === "string"
      ? [{ source: insidePackage(source), target: insidePackage(target) }]
      : [];
  });
}

/** The list names paths from the package's root, one folder above: `native/lib/…`. */
function insidePackage(path: string): string {
  const parts = path.split("/");
  return join(...parts.slice(1, -1), basename(path));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
