import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { agentProgram, bundleAgent, nativePackage } from "../../src/cli/build/bundle-agent.ts";
import { packagePath } from "../../src/cli/package-paths.ts";
import { startEngine, type Engine } from "../../src/engine/engine.ts";
import { startTestGateway, type TestGateway } from "../contract/gateway.ts";
import { postgresServers } from "../database.ts";
import { flatPicture } from "../e2e/workflows.ts";

describe("the agent as one bundle", () => {
  let folder: string;
  let agentBytes: number;
  let gateway: TestGateway;
  let engine: Engine;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "hearth-bundle-"));
    agentBytes = await bundleAgent(join(folder, "agent"));
    // Of the image's own `npm install`, the part that this machine has already.
    const [scope = ""] = nativePackage.split("/");
    await mkdir(join(folder, "agent", "node_modules"));
    const installed = packagePath(join("node_modules", scope));
    await symlink(installed, join(folder, "agent", "node_modules", scope), "dir");
    gateway = await startTestGateway(postgresServers()[0]!.url);
    engine = await startEngine({ folder: join(folder, "engine") });
  });
  afterAll(async () => {
    await gateway.close();
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("is small", () => {
    expect(agentBytes).toBeGreaterThan(100_000);
    expect(agentBytes).toBeLessThan(15_000_000);
  });

  it("runs a job by itself and leaves when it is told to", async () => {
    const program = join(folder, "agent", agentProgram);
    const place = ["--gateway", gateway.url, "--comfyui-url", engine.url];
    const args = [program, "worker", ...place, "--folder", join(folder, "work")];
    // Away from the checkout: nothing of it may be needed.
    const child = spawn(process.execPath, args, { cwd: folder, stdio: "ignore" });
    const ended = once(child, "exit");
    const submitted = await fetch(`${gateway.url}/api/v2/jobs`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ workflow: flatPicture(3) }),
    });
    const { urls } = (await submitted.json()) as { urls: { events: string } };
    const story = await (await fetch(gateway.url + urls.events)).text();
    expect(story).toMatch(/"status":"succeeded"[^\n]*\n\n$/u);
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
  });
});
