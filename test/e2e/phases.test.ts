import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, it, onTestFinished } from "vitest";

import { ownCommand, packagePath } from "../../src/cli/package-paths.ts";
import { findFreePort } from "../../src/store/embedded/readiness.ts";

/** `hearth up` in a folder of its own; it has stopped when the test has ended. */
async function startHearth(): Promise<{ folder: string; url: string }> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "hearth-phases-")));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
  const port = await findFreePort();
  const [program = "", ...args] = ownCommand("up", "--json", "--port", String(port));
  const up = spawn(program, args, { cwd: folder, stdio: ["ignore", "pipe", "ignore"] });
  onTestFinished(async () => {
    if (up.exitCode !== null) return;
    up.kill("SIGTERM");
    await once(up, "exit");
  });
  await once(up.stdout, "data");
  return { folder, url: `http://127.0.0.1:${port}` };
}

it("the three phases of the examples run, one after another, on what hearth up starts", async () => {
  const { folder, url } = await startHearth();
  const env = { ...process.env, HEARTH: ownCommand().join(" "), HEARTH_URL: url };
  const run = async (script: string): Promise<string> => {
    const path = packagePath(`examples/phases/${script}`);
    return (await promisify(execFile)("sh", [path], { cwd: folder, env })).stdout;
  };
  const made = (path: string): boolean => existsSync(join(folder, "hearth-phases", path));

  expect(await run("1-first-api.sh")).toContain("container-apps");
  expect(made("1/first-picture_00001_.png")).toBe(true);
  expect(made("1/modal/app.py")).toBe(true);

  expect(await run("2-production.sh")).toContain("queue wait");
  expect(made("2/hearth.lock")).toBe(true);

  const third = await run("3-going-further.sh");
  expect(third).toContain("VARIANT-A");
  expect(third).toContain("VARIANT-B");
  expect(third).toMatch(/balanced .*%/u);
  for (const each of ["a-3/first-picture_00001_.png", "b-3/first-picture_00001_.png"]) {
    expect(made(`3/${each}`)).toBe(true);
  }
  expect(made("3/us-central1/job.yaml")).toBe(true);
}, 180_000);
