import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, it, onTestFinished } from "vitest";

import { Stage } from "../../src/cli/stage.suite.ts";
import { hasMoto } from "../moto/server.ts";
import { openKubernetesManagement } from "./kubernetes.ts";
import { openLambdaManagement } from "./lambda.ts";
import type { FakeManagement } from "./management.ts";
import { openRunpodManagement } from "./runpod.ts";

const hearth = fileURLToPath(new URL("../../bin/hearth.mjs", import.meta.url));

interface Killed {
  readonly platform: string;
  readonly open: () => Promise<FakeManagement>;
  readonly environment: (
    cloud: FakeManagement,
    folder: string,
  ) => Record<string, string> | Promise<Record<string, string>>;
  readonly place: Readonly<Record<string, string>>;
  /** After which changes, counted over all runs. */
  readonly killAt: readonly number[];
  readonly marked: number;
}

const killed: readonly Killed[] = [
  {
    platform: "kubernetes",
    open: openKubernetesManagement,
    environment: async ({ url }, folder) => {
      const KUBECONFIG = join(folder, "kubeconfig.json");
      await writeFile(KUBECONFIG, JSON.stringify(kubeconfigOf(url)));
      return { KUBECONFIG };
    },
    place: { scaling: "hpa" },
    killAt: [1, 4, 8],
    marked: 9,
  },
  {
    platform: "runpod",
    open: openRunpodManagement,
    environment: ({ url }) => ({ RUNPOD_API_KEY: "test", HEARTH_RUNPOD_MANAGEMENT: url }),
    place: {},
    killAt: [1],
    marked: 1,
  },
  ...(hasMoto
    ? [
        {
          platform: "lambda",
          open: openLambdaManagement,
          environment: ({ url }: FakeManagement) => ({
            AWS_ENDPOINT_URL: url,
            AWS_ACCESS_KEY_ID: "test",
            AWS_SECRET_ACCESS_KEY: "test",
          }),
          place: {},
          killAt: [1, 2, 3, 4, 5],
          marked: 6,
        },
      ]
    : []),
];

const to = (platform: string): readonly string[] => ["--to", platform, "--name", "portraits"];
const first = ["--image", "registry.example/a:1", "--gateway", "https://hearth.example"];

async function cloudOf(open: () => Promise<FakeManagement>): Promise<FakeManagement> {
  const cloud = await open();
  onTestFinished(() => cloud.close());
  return cloud;
}

async function runpodStage(): Promise<{
  cloud: FakeManagement;
  folder: string;
  deploy: (verb: string, ...args: readonly string[]) => ReturnType<Stage["cli"]>;
  scale: (verb: string, ...args: readonly string[]) => ReturnType<Stage["cli"]>;
}> {
  const stage = await Stage.open();
  const cloud = await cloudOf(openRunpodManagement);
  const environment = { RUNPOD_API_KEY: "test", HEARTH_RUNPOD_MANAGEMENT: cloud.url };
  return {
    cloud,
    folder: stage.folder,
    scale: (verb, ...args) => stage.cli(["scale", verb, ...args]),
    deploy: (verb, ...args) => stage.cli(["deploy", verb, ...to("runpod"), ...args], environment),
  };
}

describe("hearth deploy", () => {
  it("plans with price and exits 10, applies, and then has nothing to change", async () => {
    const { cloud, deploy } = await runpodStage();
    const plan = await deploy("plan", ...first);
    expect(plan.code).toBe(10);
    expect(plan.stdout).toContain("+ create endpoint portraits: it is not there");
    expect(plan.stdout).toMatch(/price: \$\S+ an hour with 0 worker\(s\), \$\S+ with 5/u);
    expect(await deploy("apply", ...first)).toMatchObject({ code: 2 });
    expect(cloud.gate.mutations).toBe(0);
    expect(await deploy("apply", ...first, "--yes")).toMatchObject({ code: 0 });
    const unchanged = await deploy("plan");
    expect(unchanged).toMatchObject({ code: 0 });
    expect(unchanged.stdout).toContain("no changes");
    const { mutations } = cloud.gate;
    expect(await deploy("apply", "--yes")).toMatchObject({ code: 0 });
    expect(cloud.gate.mutations).toBe(mutations);
  });

  it("goes back to the release before, shows who did what, and removes all", async () => {
    const { cloud, deploy, folder, scale } = await runpodStage();
    expect(await deploy("rollback", "--yes")).toMatchObject({ code: 2 });
    await deploy("apply", ...first, "--yes");
    await deploy("apply", "--image", "registry.example/a:2", "--yes");
    const back = await deploy("rollback", "--yes");
    expect(back.stderr).toContain('image: "registry.example/a:2" -> "registry.example/a:1"');
    const status = JSON.parse((await deploy("status", "--json")).stdout) as {
      data: {
        live: string;
        previous: string;
        drift: { steps: unknown[] };
        rollouts: { action: string; actor: string }[];
      };
    };
    expect(status.data.drift.steps).toEqual([]);
    expect(status.data.live).not.toBe(status.data.previous);
    expect(status.data.rollouts.map(({ action }) => action)).toEqual([
      "rollback",
      "apply",
      "apply",
    ]);
    expect(status.data.rollouts[0]?.actor).toMatch(/.+@.+/u);
    const drifted = await cloud.drift();
    const shown = await deploy("plan");
    expect(shown.code).toBe(10);
    for (const word of drifted) expect(shown.stdout).toContain(word);
    const platforms = { pod: { kind: "runpod", endpointId: "e1" } };
    await writeFile(join(folder, "hearth.json"), JSON.stringify({ platforms }));
    expect(await scale("set", "default", "--max", "3")).toMatchObject({ code: 0 });
    const held = await deploy("destroy", "--yes");
    expect(held).toMatchObject({ code: 2 });
    expect(held.stderr).toContain("hearth scale set default --off");
    expect(cloud.markedCount()).not.toBe(0);
    expect(await scale("set", "default", "--off")).toMatchObject({ code: 0 });
    expect(await deploy("destroy", "--yes")).toMatchObject({ code: 0 });
    expect(await cloud.markedCount()).toBe(0);
    expect((await deploy("status")).stdout).toContain("nothing is live");
  });

  it("names what is missing, unknown or not to be had", async () => {
    const { deploy } = await runpodStage();
    const refused = async (...args: readonly string[]): Promise<string> => {
      const { code, stderr } = await deploy("plan", ...args);
      expect(code).toBe(2);
      return stderr;
    };
    expect(await refused()).toContain("--image: the first release needs it");
    expect(await refused("--image", "a")).toContain("--gateway: the first release needs it");
    expect(await refused(...first, "--gpu", "t4")).toContain("No pool of RunPod");
    expect(await refused(...first, "--gpu", "moon")).toContain("There is no GPU moon");
    expect(await refused(...first, "--place", "a=b")).toContain("knows no --place a");
    expect(await refused(...first, "--min", "9")).toContain("--min must not be more");
  });

  it.each(killed)(
    "is finished by the same command after a kill -9 between any two changes on $platform",
    async ({ platform, open, environment, place, killAt, marked }) => {
      const stage = await Stage.open();
      const cloud = await cloudOf(open);
      const places = Object.entries({ ...(platform === "lambda" && cloud.place), ...place });
      const own = { ...process.env, DATABASE_URL: stage.fixture.url };
      const variables = { ...own, ...(await environment(cloud, stage.folder)) };
      const apply = async (): Promise<number | null> => {
        const flags = places.flatMap(([key, value]) => ["--place", `${key}=${value}`]);
        const args = ["deploy", "apply", ...to(platform), ...first, ...flags, "--yes"];
        const settings = { cwd: stage.folder, env: variables, stdio: "ignore" } as const;
        const child = spawn(process.execPath, [hearth, ...args], settings);
        cloud.gate.onMutation = (count) => {
          if (killAt.includes(count)) child.kill("SIGKILL");
        };
        const [code] = (await once(child, "exit")) as [number | null];
        return code;
      };
      // Each run goes on where the one before was killed, so a change is sent again at most once.
      for (const _ of killAt) expect(await apply()).toBeNull();
      expect(await apply()).toBe(0);
      const { mutations } = cloud.gate;
      expect(await apply()).toBe(0);
      expect(cloud.gate.mutations).toBe(mutations);
      expect(await cloud.markedCount()).toBe(marked);
    },
    120_000,
  );
});

function kubeconfigOf(server: string): object {
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "u", user: { token: "test" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
}
