import { fileURLToPath } from "node:url";

/** Files of this package that are started or shown by path. */
export function packagePath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** How one of our own commands is started with the Node that runs now. */
export function ownCommand(...args: readonly string[]): readonly string[] {
  return [process.execPath, packagePath("bin/hearth.mjs"), ...args];
}
