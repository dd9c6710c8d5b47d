import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, it, onTestFinished } from "vitest";

import { runCli } from "../main.ts";

const toyCloud = fileURLToPath(new URL("../../../test/fake-cloud/command.mjs", import.meta.url));

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function cli(platforms: object, ...args: readonly string[]): Promise<Finished> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-platforms-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "hearth.json"), JSON.stringify({ platforms }));
  let stdout = "";
  let stderr = "";
  const code = await runCli(args, {
    environment: {},
    folder,
    stdin: (async function* () {})(),
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  });
  return { code, stdout, stderr };
}

async function toy(): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-toy-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const run = (verb: string): readonly string[] => [process.execPath, toyCloud, folder, verb];
  const [launch, list, terminate] = ["launch", "list", "terminate"].map(run);
  return { kind: "command", launch, list, terminate, gpu: "l4" };
}

describe("hearth platforms", () => {
  it("lists what is configured, with a sentence for what each cannot do", async () => {
    const { code, stdout } = await cli({ toy: await toy() }, "platforms", "ls");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^NAME\s+KIND/u);
    expect(stdout).toMatch(/^toy +command +l4/mu);
    expect(stdout).toContain("toy: The programs do not say it; the settings do.");
  });

  it("checks that a platform answers", async () => {
    const { code, stdout } = await cli({ toy: await toy() }, "--json", "platforms", "check");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ data: [{ name: "toy", problem: null }] });
  });

  it("names the variable that a platform needs, and fails the check", async () => {
    const runpod = { kind: "runpod", endpointId: "e1" };
    const { code, stdout, stderr } = await cli({ pod: runpod }, "platforms", "check");
    expect(code).toBe(1);
    expect(stdout).toContain("needs RUNPOD_API_KEY in the environment");
    expect(stderr).toContain("do not answer: pod");
  });

  it("opens platforms from their settings alone, without asking anybody", async () => {
    const { openPlatform } = await import("./open.ts");
    const { platformsSchema } = await import("../../config/platform-settings.ts");
    const settings = platformsSchema.parse({
      pod: { kind: "runpod", endpointId: "e1" },
      modal: { kind: "modal" },
      aws: { kind: "ecs", region: "r", cluster: "c", taskDefinition: "w:1", capacityProvider: "g" },
      azure: {
        kind: "container-apps",
        subscriptionId: "00000000-0000-4000-8000-000000000001",
        resourceGroup: "g",
        job: "j",
        image: "i",
        cpuCores: 8,
        memory: "56Gi",
      },
    });
    const environment = { RUNPOD_API_KEY: "k", MODAL_TOKEN_ID: "i", MODAL_TOKEN_SECRET: "s" };
    for (const [name, each] of Object.entries(settings)) {
      const platform = await openPlatform(name, each, environment);
      expect(platform).toMatchObject({ name, kind: each.kind });
      platform.close?.();
    }
  });

  it.each([
    [{ x: { kind: "heroku" } }, "platforms.x.kind"],
    [{ x: { kind: "ecs", region: "r" } }, "platforms.x.cluster"],
    [{ "A b": { kind: "modal" } }, "platforms.A b"],
  ])("refuses %j and names the setting", async (platforms, setting) => {
    const { stderr } = await cli(platforms, "platforms", "ls");
    expect(stderr).toContain(setting);
  });
});
