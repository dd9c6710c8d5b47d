import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, it, onTestFinished } from "vitest";

import { renderedData } from "./rendered.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
const flags = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext"];
const types = ["--types", "node"];

/**
 * What the compiler finds wrong with a value that is to be of a vendor's own type, of which no
 * field may be unknown; empty where it is one.
 */
async function faultsOf(value: unknown, type: string, from: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-types-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  const [head = ""] = type.split(".");
  const text = `import type { ${head} } from ${JSON.stringify(from)};
export const value: ${type} = ${JSON.stringify(value, null, 1)};
`;
  await writeFile(join(folder, "value.mts"), text);
  return new Promise((resolve) => {
    const args = [compiler, ...flags, ...types, "value.mts"];
    execFile(process.execPath, args, { cwd: folder }, (_, stdout) => resolve(stdout));
  });
}

/** Azure's client lifts what stands under `properties` up into the resource. */
function lifted({ properties, ...rest }: Record<string, unknown>): object {
  return { ...rest, ...(properties as object) };
}

/** A copy in which one key is misspelt. */
function misspelt(value: unknown, key: string): unknown {
  return JSON.parse(JSON.stringify(value).replace(`"${key}":`, `"${key}s":`)) as unknown;
}

it.each([
  ["cloud-run", "job.yaml", "run_v1.Schema$Job", "@googleapis/run", "maxRetries"],
  ["container-apps", "job.yaml", "Job", "@azure/arm-appcontainers", "replicaTimeout"],
  [
    "container-apps",
    "environment.json",
    "ManagedEnvironment",
    "@azure/arm-appcontainers",
    "workloadProfileType",
  ],
])(
  "%s: %s is a %s to the compiler, and would not be with a misspelt key",
  async (platform, path, type, from, key) => {
    const rendered = renderedData(platform, path);
    const data = platform === "container-apps" ? lifted(rendered) : rendered;
    expect(await faultsOf(data, type, from)).toBe("");
    expect(await faultsOf(misspelt(data, key), type, from)).toContain(`${key}s`);
  },
  60_000,
);
