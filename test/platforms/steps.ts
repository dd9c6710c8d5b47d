import assert from "node:assert/strict";

import { seedCatalogue } from "../../src/catalogue/seed.ts";
import { actualOffer } from "../../src/cost/actual-offer.ts";
import { billedMs, billingOf, hourlyRate } from "../../src/cost/rate.ts";
import { eventually } from "../chaos/cluster.ts";
import { flatPicture, steppedPicture } from "../e2e/workflows.ts";
import type { PlatformStack } from "./stack.ts";

export interface Step {
  readonly name: string;
  /** Whether the short form has it. */
  readonly isShort: boolean;
  readonly run: (stack: PlatformStack) => Promise<void>;
}

/** Cold starts of real processes on a busy machine. */
const limitMs = 90_000;
let seed = 0;

/** What everybody's cloud must do alike, in this order on one stack. */
export const steps: readonly Step[] = [
  { name: "submit, scale from 0", isShort: true, run: scaleFromZero },
  { name: "progress", isShort: false, run: progress },
  { name: "cancel", isShort: false, run: cancel },
  { name: "preemption", isShort: false, run: preemption },
  { name: "lost launch reply", isShort: false, run: lostReply },
  { name: "scale to 0", isShort: true, run: scaleToZero },
  { name: "cost", isShort: true, run: cost },
];

async function scaleFromZero({ api, cloud }: PlatformStack): Promise<void> {
  assert.equal(cloud.machines.all.size, 0);
  const job = await api.run(flatPicture(seed++));
  assert.equal(job.status, "succeeded");
  assert.equal(job.outputs.length, 1);
  assert.ok((await api.bytes(job.outputs[0] ?? assert.fail())).length > 0);
  assertLaunchedOnce(cloud);
}

/** No launch has two machines; how many launches there are is the autoscaler's own affair. */
function assertLaunchedOnce({ machines }: PlatformStack["cloud"]): void {
  const tokens = [...machines.all.values()].map(({ labels }) => labels["token"]);
  assert.ok(tokens.length > 0);
  assert.equal(new Set(tokens).size, tokens.length);
}

async function progress({ api }: PlatformStack): Promise<void> {
  const { id } = await api.submit(steppedPicture(seed++, 20, 40));
  const values: number[] = [];
  for await (const { event, data } of api.events(id)) {
    if (event === "progress") values.push(Number(data["value"]));
  }
  assert.ok(values.length > 1, `progress came ${values.length} times`);
  assert.deepEqual(
    values,
    values.toSorted((left, right) => left - right),
  );
  assert.equal((await api.end(id)).status, "succeeded");
}

async function cancel({ api }: PlatformStack): Promise<void> {
  const { id } = await api.submit(steppedPicture(seed++, 100, 200));
  await untilProgress(api, id);
  await api.cancel(id);
  assert.equal((await api.end(id)).status, "canceled");
}

async function preemption({ api, cloud }: PlatformStack): Promise<void> {
  const { id } = await api.submit(steppedPicture(seed++, 60, 50));
  await untilProgress(api, id);
  const before = new Set(cloud.machines.all.keys());
  for (const machine of cloud.machines.living()) cloud.machines.preempt(machine.id);
  const job = await api.end(id);
  assert.equal(job.status, "succeeded");
  const after = [...cloud.machines.all.keys()].filter((one) => !before.has(one));
  assert.ok(after.length > 0, "another machine took the job over");
}

/** The cloud launches and its answer is lost: one machine does the job, and none is left over. */
async function lostReply(stack: PlatformStack): Promise<void> {
  const { api, cloud } = stack;
  await scaleToZero(stack);
  cloud.faults.failNext("lost_reply");
  const job = await api.run(flatPicture(seed++));
  assert.equal(job.status, "succeeded");
  assertLaunchedOnce(cloud);
}

async function scaleToZero({ cloud, fixture }: PlatformStack): Promise<void> {
  await eventually(
    "the way back to zero",
    async () => {
      const rows = await fixture.query("select from instance where gone_at is null");
      return rows.rowCount === 0 && cloud.machines.living().length === 0 ? true : undefined;
    },
    limitMs,
  );
}

interface InstanceRow {
  readonly lifeMs: number;
  readonly hardware: { readonly gpu: string | null; readonly region: string | null } | null;
}

/** Every instance has a life and a GPU that the catalogue has a price for. */
async function cost({ fixture, platform }: PlatformStack): Promise<void> {
  const { rows } = await fixture.query<InstanceRow & Record<string, unknown>>(
    `select extract(epoch from gone_at - created_at)::float8 * 1000 as "lifeMs", hardware
     from instance`,
  );
  assert.ok(rows.length > 0);
  if (platform.kind === "local") return;
  const catalogue = seedCatalogue();
  for (const { lifeMs, hardware } of rows) {
    const offer = actualOffer(catalogue, platform.kind, hardware ?? platform.offer);
    assert.ok(offer !== undefined, `${platform.kind} has no price for ${hardware?.gpu ?? "?"}`);
    const ms = billedMs(billingOf(catalogue, platform.kind), lifeMs);
    const microUsd = Math.ceil((hourlyRate(offer).totalMicroUsd * ms) / 3_600_000);
    assert.ok(microUsd > 0 && microUsd < 1_000_000, `${microUsd} micro-dollars`);
  }
}

async function untilProgress(api: PlatformStack["api"], id: string): Promise<void> {
  for (;;) {
    for await (const { event, data } of api.events(id)) {
      if (event === "progress" && Number(data["value"]) > 0) return;
    }
    const { status } = await api.get(id);
    if (status !== "queued" && status !== "running") assert.fail(`the job is ${status}`);
  }
}
