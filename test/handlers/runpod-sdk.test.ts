import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, it, onTestFinished } from "vitest";

import { startRunpodQueue } from "./runpod-queue.ts";

const python = fileURLToPath(new URL("../../.cache/python/bin/python", import.meta.url));
const sdk = fileURLToPath(new URL("../../.cache/python/bin/runpod", import.meta.url));
/** `.ci/run` installs RunPod's own package; elsewhere it is optional. */
const isHere = existsSync(sdk) || process.env.CI === "true";

const handler = `
import runpod

def handle(job):
    if job["input"].get("fail"):
        raise ValueError("as asked")
    return {"said": job["input"]["say"], "id": job["id"]}

runpod.serverless.start({"handler": handle})
`;

it.runIf(isHere)(
  "our queue is one to RunPod's own Python worker: it takes jobs, pings and delivers",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "hearth-runpod-sdk-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const program = join(folder, "handler.py");
    await writeFile(program, handler);
    const queue = await startRunpodQueue();
    onTestFinished(() => queue.close());
    const env = {
      PATH: process.env.PATH ?? "",
      HOME: folder,
      ...queue.environment,
      RUNPOD_PING_INTERVAL: "1000",
      // They would look for the internet.
      RUNPOD_SKIP_AUTO_SYSTEM_CHECKS: "true",
    };
    const settings = { cwd: folder, env, stdio: "ignore", detached: true } as const;
    const worker = spawn(python, ["-u", program], settings);
    // The group: it pings from a process of its own, which would outlive it.
    onTestFinished(() => void process.kill(-worker.pid!, "SIGKILL"));
    const said = queue.run({ say: "hello" });
    expect(await said.result).toEqual({ output: { said: "hello", id: said.id } });
    expect(queue.pings.length).toBeGreaterThan(0);
    const failed = await queue.run({ fail: true }).result;
    expect(String(failed["error"])).toContain("as asked");
  },
  60_000,
);
