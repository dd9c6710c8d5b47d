import { cp, mkdir, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { HearthError, errorMessage } from "../../kernel/errors.ts";
import { packagePath } from "../package-paths.ts";

/** Native, one build a platform: the image installs the one for its own. */
export const nativePackage = "@napi-rs/blake-hash";

/** Sources that the bundle starts or reads by their path beside it. */
const companions = [
  { from: "src/worker/leash.ts", to: "leash.ts" },
  { from: "src/models/io/hash-thread.ts", to: "bin/hash-thread.ts" },
] as const;
const entry = "src/cli/agent-entry.ts";
const entryFile = "bin/worker.mjs";
/** A thread that needs packages is a bundle of its own, under a name that no type stripper reads. */
const thread = {
  entry: "src/models/io/fetch-thread.ts",
  namedAs: "./fetch-thread.ts",
  file: "fetch-thread.mjs",
} as const;

/** The agent's program in the bundle, below its folder. */
export const agentProgram = entryFile;

/**
 * Writes the agent as one file with its few companions into `folder`, which is emptied before.
 * Returns the bytes written. Errors: `config_invalid` where the bundler is not installed.
 */
export async function bundleAgent(folder: string): Promise<number> {
  await rm(folder, { recursive: true, force: true });
  const program = join(folder, entryFile);
  await bundleFile(entry, program);
  await bundleFile(thread.entry, join(dirname(program), thread.file));
  const text = await readFile(program, "utf8");
  await writeFile(program, text.replaceAll(thread.namedAs, `./${thread.file}`));
  for (const { from, to } of companions) {
    await mkdir(dirname(join(folder, to)), { recursive: true });
    await cp(packagePath(from), join(folder, to));
  }
  await writeFile(join(folder, "package.json"), await nativeManifest());
  await requireCompanions(folder);
  return folderBytes(folder);
}

async function bundleFile(from: string, file: string): Promise<void> {
  const { rolldown } = await import("rolldown").catch((cause: unknown) => {
    const message = `The agent cannot be bundled without the package rolldown (${errorMessage(cause)}).`;
    throw new HearthError("config_invalid", { message, cause });
  });
  const input = packagePath(from);
  const external = [nativePackage];
  const bundle = await rolldown({ input, platform: "node", external, logLevel: "silent" });
  try {
    // One file: what is loaded lazily in a checkout is needed at once here.
    await bundle.write({ file, format: "esm", minify: true, codeSplitting: false });
  } finally {
    await bundle.close();
  }
}

/** What the image installs beside the bundle, at the version that Hearth itself runs on. */
async function nativeManifest(): Promise<string> {
  const own: unknown = JSON.parse(await readFile(packagePath("package.json"), "utf8"));
  const { dependencies } = own as { readonly dependencies: Readonly<Record<string, string>> };
  const version = dependencies[nativePackage];
  const manifest = { type: "module", dependencies: { [nativePackage]: version } };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** A file that the bundle names relative to itself and that is not there would fail only on a GPU. */
async function requireCompanions(folder: string): Promise<void> {
  const program = join(folder, entryFile);
  const text = await readFile(program, "utf8");
  const named = /new URL\([`"']([^`"'$]+)[`"'],\s*import\.meta\.url\)/gu;
  for (const [, path = ""] of text.matchAll(named)) {
    const found = await stat(join(dirname(program), path)).catch(() => undefined);
    if (found === undefined) throw new Error(`the bundle names ${path}, which it does not hold`);
  }
}

async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((each) => each.isFile());
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
