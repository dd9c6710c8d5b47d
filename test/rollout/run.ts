import { applyRollout, planRollout, removeRollout } from "../../src/control/rollout.ts";
import { describeStep } from "../../src/deploy/plan/describe.ts";
import type { Resource } from "../../src/deploy/plan/resource.ts";
import type { CallPatience } from "../../src/platforms/calls.ts";
import type { Deployer } from "../../src/platforms/deployer.ts";
import { openCloudRunManagement } from "./cloud-run.ts";
import { openContainerAppsManagement } from "./container-apps.ts";
import { openEcsManagement } from "./ecs.ts";
import { openKubernetesManagement } from "./kubernetes.ts";
import type { FakeManagement } from "./management.ts";
import { openLambdaManagement } from "./lambda.ts";
import { openLocalManagement } from "./local.ts";
import { openModalManagement } from "./modal.ts";
import { openRunpodManagement } from "./runpod.ts";
import { deployTarget } from "./target.ts";

export const managements: Readonly<Record<string, () => Promise<FakeManagement>>> = {
  runpod: openRunpodManagement,
  ecs: openEcsManagement,
  lambda: openLambdaManagement,
  "cloud-run": openCloudRunManagement,
  "container-apps": openContainerAppsManagement,
  kubernetes: openKubernetesManagement,
  modal: openModalManagement,
  local: openLocalManagement,
};

const name = "portraits";
/** A step of the suite: what holds, or the sentence on why it does not. */
export interface Row {
  readonly step: string;
  readonly failure?: string;
}

const impatient: CallPatience = {
  clock: { now: () => 1_800_000_000_000 },
  random: () => 0.5,
  sleep: async () => undefined,
};
const drainPatience = { maxLooks: 2, waitMs: 1, sleep: impatient.sleep };
const quiet = (): void => undefined;
/** Enough for every release here, and an end where one never comes through. */
const maxCuts = 40;

/** What row after row of the table asks of a platform. */
const steps: readonly (readonly [string, (stage: Stage) => Promise<void>])[] = [
  ["a first plan creates all and changes nothing", firstPlan],
  ["apply, and plan says no changes", applyOnce],
  ["apply again sends nothing that changes", applyTwice],
  ["another release is a change, and applied", nextRelease],
  ["drift by hand shows as a readable diff, and is repaired", repairDrift],
  ["destroy leaves nothing marked", destroy],
  ["cut off after each change, and applied again", cutEverywhere],
];

export const stepNames = steps.map(([step]) => step);

interface Stage {
  readonly cloud: FakeManagement;
  readonly deployer: Deployer;
  readonly wanted: (release: string) => readonly Resource[];
}

/** Runs the table's rows on one platform, each on what the one before it left. */
export async function runRollout(open: () => Promise<FakeManagement>): Promise<readonly Row[]> {
  const cloud = await open();
  const deployer = await cloud.open(impatient);
  const stage = { cloud, deployer, wanted: (release: string) => wantedOf(cloud, release) };
  const rows: Row[] = [];
  try {
    for (const [step, run] of steps) {
      try {
        await run(stage);
        rows.push({ step });
      } catch (thrown) {
        rows.push({ step, failure: String(thrown) });
      }
    }
    return rows;
  } finally {
    deployer.close?.();
    await cloud.close();
  }
}

function wantedOf(cloud: FakeManagement, release: string): readonly Resource[] {
  const { place } = cloud;
  const image = cloud.imageOf?.(release);
  const target = deployTarget({
    name,
    release,
    place,
    ...(place["gpu"] !== undefined && { gpu: place["gpu"] }),
    ...(image !== undefined && { image }),
  });
  const wanted = cloud.wanted(target);
  if (!wanted.ok) throw new Error(wanted.reason);
  return wanted.resources;
}

async function firstPlan({ cloud, deployer, wanted }: Stage): Promise<void> {
  const resources = wanted("r1");
  const { steps: planned } = await planRollout(deployer, name, resources);
  same(
    planned.map(({ action }) => action),
    resources.map(() => "create"),
  );
  same(cloud.gate.mutations, 0);
}

async function applyOnce({ deployer, wanted }: Stage): Promise<void> {
  const resources = wanted("r1");
  same(await applyRollout(deployer, name, resources, quiet), resources.length);
  same((await planRollout(deployer, name, resources)).steps, []);
}

async function applyTwice({ cloud, deployer, wanted }: Stage): Promise<void> {
  const before = cloud.gate.mutations;
  same(await applyRollout(deployer, name, wanted("r1"), quiet), 0);
  same(cloud.gate.mutations, before);
}

async function nextRelease({ deployer, wanted }: Stage): Promise<void> {
  const resources = wanted("r2");
  const { steps: planned } = await planRollout(deployer, name, resources);
  const text = planned.flatMap(describeStep).join("\n");
  if (!text.includes('"r1"') || !text.includes('"r2"')) throw new Error(`no release in:\n${text}`);
  await applyRollout(deployer, name, resources, quiet);
  same((await planRollout(deployer, name, resources)).steps, []);
}

async function repairDrift({ cloud, deployer, wanted }: Stage): Promise<void> {
  const resources = wanted("r2");
  const words = await cloud.drift();
  const { steps: planned } = await planRollout(deployer, name, resources);
  const text = planned.flatMap(describeStep).join("\n");
  for (const word of words) if (!text.includes(word)) throw new Error(`no ${word} in:\n${text}`);
  await applyRollout(deployer, name, resources, quiet);
  same((await planRollout(deployer, name, resources)).steps, []);
}

async function destroy({ cloud, deployer, wanted }: Stage): Promise<void> {
  await removeRollout(deployer, name, drainPatience, quiet);
  same(await cloud.markedCount(), 0);
  const left = await planRollout(deployer, name, wanted("r2"));
  same(
    left.steps.map(({ action }) => action),
    wanted("r2").map(() => "create"),
  );
}

/** The line is cut after the first change, then after the second, until a whole rollout fits. */
async function cutEverywhere({ cloud, deployer, wanted }: Stage): Promise<void> {
  const resources = wanted("r4");
  const apply = (): Promise<number> => applyRollout(deployer, name, resources, quiet);
  const remove = (): Promise<number> => removeRollout(deployer, name, drainPatience, quiet);
  const nothing = async (): Promise<void> => void (await remove());
  const another = async (): Promise<void> =>
    void (await applyRollout(deployer, name, wanted("r3"), quiet));
  const state = async (marked: number): Promise<void> => {
    if (marked > 0) same((await planRollout(deployer, name, resources)).steps, []);
    same(await cloud.markedCount(), marked);
  };
  await cutting(cloud, nothing, apply, () => state(resources.length));
  await cutting(cloud, another, apply, () => state(resources.length));
  await cutting(cloud, another, remove, () => state(0));
}

/** What is begun is cut off after its first change, its second, until it comes through uncut. */
async function cutting(
  cloud: FakeManagement,
  prepare: () => Promise<void>,
  act: () => Promise<unknown>,
  check: () => Promise<void>,
): Promise<void> {
  for (let after = 1; after <= maxCuts; after++) {
    await prepare();
    cloud.gate.cut(after);
    const isCut = await act().then(
      () => false,
      () => true,
    );
    cloud.gate.mend();
    await act();
    await check();
    if (!isCut) return;
  }
  throw new Error(`nothing came through within ${maxCuts} changes`);
}

function same(actual: unknown, expected: unknown): void {
  const [got, want] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (got !== want) throw new Error(`${got} is not ${want}`);
}
