import { randomUUID } from "node:crypto";
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import { deployTarget } from "../../../test/rollout/target.ts";
import type { Resource } from "../../deploy/plan/resource.ts";
import { planSteps } from "../../deploy/plan/steps.ts";
import { localResources } from "../../deploy/resources/local.ts";
import { identifyProcess } from "../../store/embedded/process-identity.ts";
import { describePlatform, launchSpec, type PlatformFixture } from "../platform.suite.ts";
import { withoutSecrets } from "./child.ts";
import { LocalDeployer } from "./deployer.ts";
import { LocalPlatform, type LocalPlatformOptions } from "./platform.ts";
import { findMarkedProcesses, parseEnvironment, parseLiveGroup } from "./process-table.ts";
import { keepRecentFolders } from "./worker-folders.ts";

/** Stands for a worker: starts a helper in a group of its own, as the agent does with ComfyUI. */
const workerScript = `
const { spawn } = require("node:child_process");
const { writeFileSync } = require("node:fs");
const { HEARTH_WORKER_NAME, HEARTH_WORKER_FOLDER, HEARTH_ENROLLMENT_TOKEN } = process.env;
process.on("SIGTERM", () => {
  if (HEARTH_WORKER_NAME !== "stubborn") { helper?.kill("SIGKILL"); process.exit(0); }
});
const helper = HEARTH_WORKER_NAME === "with-helper"
  ? spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "ignore" })
  : undefined;
writeFileSync(HEARTH_WORKER_FOLDER + "/ready", JSON.stringify({
  token: HEARTH_ENROLLMENT_TOKEN, arguments: process.argv, database: process.env.DATABASE_URL ?? null,
}));
setInterval(() => {}, 1000);
`;

/** What a release of so many workers is on this machine. */
function resourcesOf(image: string, maxWorkers: number, name = "box"): readonly [Resource] {
  const wanted = localResources(deployTarget({ name, image, maxWorkers }));
  if (!wanted.ok || wanted.resources[0] === undefined) throw new Error("no resource");
  return [wanted.resources[0]];
}

interface LocalFixture extends PlatformFixture {
  readonly folder: string;
  open(change: Partial<LocalPlatformOptions>): LocalPlatform;
}

async function openLocal(change: Partial<LocalPlatformOptions> = {}): Promise<LocalFixture> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-local-"));
  const script = join(folder, "worker.cjs");
  await writeFile(script, workerScript);
  let now = 1_000;
  const owner = `test-${randomUUID()}`;
  const open = (over: Partial<LocalPlatformOptions>): LocalPlatform =>
    new LocalPlatform({
      owner,
      folder: join(folder, "workers"),
      command: () => [process.execPath, script],
      environment: { ...process.env, DATABASE_URL: "postgres://secret" },
      clock: { now: () => now },
      identify: identifyProcess,
      ...change,
      ...over,
    });
  const platform = open({});
  const killAll = async (id?: string): Promise<void> => {
    for (const one of await findMarkedProcesses(owner)) {
      if (id === undefined || one.instanceId === id) process.kill(-one.groupId, "SIGKILL");
    }
  };
  return {
    platform: waitingForReady(platform, join(folder, "workers")),
    folder,
    open,
    reopen: async () => open({}),
    advance: (ms) => {
      now += ms;
    },
    crash: killAll,
    close: async () => {
      await killAll();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A script that has not run yet would die of the first SIGTERM, whatever its manners. */
function waitingForReady(platform: LocalPlatform, folder: string): LocalPlatform {
  const launch = platform.launch.bind(platform);
  platform.launch = async (spec) => {
    const reply = await launch(spec);
    await vi.waitFor(() => access(join(folder, spec.clientToken, "ready")), 10_000);
    return reply;
  };
  return platform;
}

describe("the local platform", () => {
  describePlatform(() => openLocal());
});

describe("the local platform where environments cannot be read", () => {
  describePlatform(() => openLocal({ readsEnvironments: false }));
});

describe.runIf(process.platform === "linux")("the local platform's processes", () => {
  const setup = async (): Promise<LocalFixture> => {
    const fixture = await openLocal();
    onTestFinished(() => fixture.close());
    return fixture;
  };

  it("get the token in their environment, never in an argument, and no database password", async () => {
    const { platform, folder } = await setup();
    const spec = launchSpec();
    await platform.launch(spec);
    const text = await readFile(join(folder, "workers", spec.clientToken, "ready"), "utf8");
    const seen = JSON.parse(text) as { token: string; arguments: string[]; database: unknown };
    expect(seen.token).toBe(spec.enrollmentToken);
    expect(seen.arguments.join(" ")).not.toContain(spec.enrollmentToken);
    expect(seen.database).toBeNull();
  });

  it("are killed with the groups that they started", async () => {
    const fixture = await setup();
    const spec = launchSpec({ workerName: "with-helper" });
    await fixture.platform.launch(spec);
    const list = async (): Promise<number> => (await fixture.platform.list([])).length;
    const [first] = await readRecords(fixture);
    process.kill(first?.pid ?? 0, "SIGKILL");
    await vi.waitFor(async () => expect(await identifyProcess(first?.pid ?? 0)).toBeUndefined());
    // The helper is left over, and the instance with it.
    expect(await list()).toBe(1);
    await fixture.platform.terminate(spec.clientToken);
    fixture.advance(60_000);
    await fixture.platform.terminate(spec.clientToken);
    await vi.waitFor(async () => expect(await list()).toBe(0), 10_000);
  });

  it("are obsolete once workers are started with another command", async () => {
    const fixture = await setup();
    await fixture.platform.launch(launchSpec());
    const changed = fixture.open({ command: () => [process.execPath, "other.cjs"] });
    expect(await changed.list()).toMatchObject([{ state: "obsolete" }]);
  });

  it("run the release that is applied: others are obsolete, and no more start than it allows", async () => {
    const fixture = await setup();
    await fixture.platform.launch(launchSpec());
    const script = join(fixture.folder, "worker.cjs");
    const platform = fixture.open({
      command: (release) => [process.execPath, script, release?.comfyui ?? "none"],
    });
    const deployer = new LocalDeployer(join(fixture.folder, "workers"));
    const [wanted] = resourcesOf("/opt/comfyui", 2);
    await deployer.create(wanted);
    expect(await platform.list()).toMatchObject([{ state: "obsolete" }]);
    await platform.launch(launchSpec());
    const states = (await platform.list()).map(({ state }) => state);
    expect(states.toSorted()).toEqual(["obsolete", "running"]);
    await expect(platform.launch(launchSpec())).rejects.toMatchObject({ code: "platform_quota" });
    const found = await deployer.read("box", [wanted]);
    expect(planSteps("box", [wanted], found)).toEqual({ steps: [], conflicts: [] });
    const other = resourcesOf("engine", 1, "other");
    const { conflicts } = planSteps("other", other, await deployer.read("other", other));
    expect(conflicts).toEqual(["the workers other is there and that of box"]);
  });

  it("are invisible to another owner", async () => {
    const fixture = await setup();
    await fixture.platform.launch(launchSpec());
    expect(await fixture.open({ owner: "somebody-else" }).list()).toEqual([]);
  });

  it("that cannot be started are an error with a reason", async () => {
    const fixture = await setup();
    const broken = fixture.open({ command: () => ["/nowhere/node"] });
    await expect(broken.launch(launchSpec())).rejects.toMatchObject({
      code: "service_unavailable",
      message: expect.stringContaining("ENOENT") as string,
    });
  });
});

describe("reading the process table", () => {
  it("splits environments at NUL and the first equals sign", () => {
    expect([...parseEnvironment("A=1\0B=x=y\0=z\0bad\0")]).toEqual([
      ["A", "1"],
      ["B", "x=y"],
    ]);
  });
  it.each([
    ["12 (node) S 1 12 12 0", 12],
    ["12 (a) b) S) R 1 40 12 0", 40],
    ["12 (node) Z 1 12 12 0", undefined],
    ["", undefined],
  ])("finds the group in %j", (stat, group) => {
    expect(parseLiveGroup(stat)).toBe(group);
  });
  it("withholds credentials from workers", () => {
    const kept = withoutSecrets({
      PATH: "p",
      DATABASE_URL: "d",
      PGPASSWORD: "x",
      HEARTH_API_KEY: "k",
    });
    expect(kept).toEqual({ PATH: "p" });
  });
});

it("keeps the folders of living workers and of the five that ended last", async () => {
  const folder = await mkdtemp(join(tmpdir(), "hearth-local-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const names = Array.from({ length: 9 }, (_, index) => `worker-${index}`);
  for (const name of names) await mkdir(join(folder, name));
  await keepRecentFolders(folder, new Set(["worker-3"]));
  const left = await Promise.all(names.map((name) => exists(join(folder, name))));
  expect(left.filter(Boolean)).toHaveLength(6);
  expect(left[3]).toBe(true);
});

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function readRecords(fixture: LocalFixture): Promise<readonly { pid: number }[]> {
  const { ProcessRecords } = await import("./process-records.ts");
  return new ProcessRecords(join(fixture.folder, "workers")).list();
}
