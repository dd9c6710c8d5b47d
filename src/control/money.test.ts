import { randomUUID } from "node:crypto";

import { expect, it, onTestFinished } from "vitest";

import { postgresServers } from "../../test/database.ts";
import { addWorker, claimOne, newJob, openTestStore, type TestStore } from "../../test/store.ts";
import { seedCatalogue } from "../catalogue/seed.ts";
import { createLogger, type Logger } from "../observability/logger.ts";
import { groupUsage } from "../store/usage-report.ts";
import { announceAlerts } from "./announce-alerts.ts";
import { keepBooks } from "./keep-books.ts";
import { launchPrice, priceInstances } from "./price-instances.ts";
import { ScriptedPlatform } from "./scripted-platform.suite.ts";

const quiet = createLogger({ level: "silent" });
const [server] = postgresServers();
const hourMs = 3_600_000;

async function setup(): Promise<TestStore> {
  const fixture = await openTestStore(server?.url ?? "");
  onTestFinished(() => fixture.close());
  return fixture;
}

async function addInstance(
  fixture: TestStore,
  gpu: string | null,
  isSpot = false,
): Promise<string> {
  const id = randomUUID();
  const { control } = fixture.store;
  await control.createInstance({ id, deploymentId: fixture.deploymentId, platform: "runpod" });
  await control.noteHardware(id, { gpu, region: null, isSpot });
  return id;
}

/** Runs a job that ended at `endMs` after `runMs`. */
async function ran(fixture: TestStore, endMs: number, runMs: number): Promise<void> {
  const workerId = await addWorker(fixture);
  const job = newJob(fixture);
  await fixture.store.jobs.submit(job);
  const { epoch } = await claimOne(fixture, workerId);
  const end = { log: null, timings: { executeMs: runMs / 2 } };
  await fixture.store.attempts.complete({ jobId: job.id, epoch, workerId }, [], end);
  await fixture.query(
    `update attempt set claimed_at = to_timestamp($2), ended_at = to_timestamp($3) where job_id = $1`,
    [job.id, (endMs - runMs) / 1_000, endMs / 1_000],
  );
  await fixture.query(
    "update worker set state = 'gone', enrolled_at = to_timestamp($2), last_seen_at = to_timestamp($3) where id = $1",
    [workerId, (endMs - runMs) / 1_000, endMs / 1_000],
  );
}

it("prices instances by what they run on, once, and leaves spot and unknown ones alone", async () => {
  const fixture = await setup();
  const known = await addInstance(fixture, "NVIDIA GeForce RTX 4090");
  const spot = await addInstance(fixture, "NVIDIA GeForce RTX 4090", true);
  const unknown = await addInstance(fixture, "Voodoo 2");
  await priceInstances(fixture.store, seedCatalogue(), quiet);
  const left = await fixture.store.budgets.unpricedInstances(10);
  expect(left.map(({ id }) => id).sort()).toEqual([spot, unknown].sort());
  const { rows } = await fixture.query<{ price: string }>(
    "select price_micro_usd_per_hour as price from instance where id = $1",
    [known],
  );
  expect(Number(rows[0]?.price)).toBe(1_116_000);
});

it("knows what a launch would cost, and of hardware that is not listed nothing", () => {
  const modal = Object.assign(new ScriptedPlatform("modal"), {
    offer: { gpu: "L4", region: null, isSpot: false },
  });
  expect(launchPrice(seedCatalogue(), modal)).toBe(854_352);
  expect(launchPrice(seedCatalogue(), new ScriptedPlatform("modal"))).toBe(0);
});

it("announces each alert in one line of the log", async () => {
  const fixture = await setup();
  const lines: unknown[] = [];
  const logger = { ...quiet, warn: (fields: unknown) => lines.push(fields) } as unknown as Logger;
  await fixture.store.budgets.set({
    owner: { kind: "tenant", tenantId: fixture.tenantId },
    period: "month",
    capMicroUsd: 1_000_000,
    reserveMicroUsd: 1,
    alertPercents: [80],
  });
  await fixture.query(
    `insert into budget_alert (budget_id, period_start, percent, spent_micro_usd, cap_micro_usd)
     select id, period_start, 80, 810000, 1000000 from budget`,
  );
  await announceAlerts(fixture.store, logger);
  await announceAlerts(fixture.store, logger);
  expect(lines).toEqual([
    { tenant: "default", deployment: null, percent: 80, spent: "$0.81", cap: "$1.00" },
  ]);
});

it("keeps the books of past hours and of the present one, and goes on where it was", async () => {
  const fixture = await setup();
  const { store, deploymentId } = fixture;
  await store.budgets.setDeploymentPrice(deploymentId, 3_600_000);
  const nowMs = Math.floor(Date.now() / hourMs) * hourMs + 1_800_000;
  const present = nowMs - 1_800_000;
  await ran(fixture, present - 2 * hourMs + 600_000, 60_000);
  await ran(fixture, present + 600_000, 30_000);
  await keepBooks(store, quiet, nowMs);
  await keepBooks(store, quiet, nowMs);
  expect(await store.usage.finalBefore()).toEqual(new Date(present));
  const query = { from: new Date(present - 10 * hourMs), to: new Date(nowMs), deploymentId };
  const hours = groupUsage(await store.usage.hours(query), "hour");
  expect(hours).toMatchObject([
    { attempts: 1, totalMicroUsd: 60_000, busyShare: 1 },
    { attempts: 1, totalMicroUsd: 30_000 },
  ]);
  const [total] = groupUsage(await store.usage.hours(query), "total");
  expect(total).toMatchObject({ attempts: 2, succeeded: 2, perAttemptMicroUsd: 45_000 });
  expect(total?.kpis.gpuUtilization.mean).toBeCloseTo(0.5);
  expect(total?.normalizedScore).toBeGreaterThan(0);
});

it("leaves no hour out after a long pause, and catches up in bounded passes", async () => {
  const fixture = await setup();
  const { store } = fixture;
  const present = Math.floor(Date.now() / hourMs) * hourMs;
  const longAgo = present - 40 * hourMs;
  await store.usage.saveHour(new Date(longAgo - hourMs), [], true);
  await ran(fixture, longAgo + 600_000, 60_000);
  const nowMs = present + 1_800_000;
  await keepBooks(store, quiet, nowMs);
  expect(await store.usage.finalBefore()).toEqual(new Date(longAgo + 26 * hourMs));
  await keepBooks(store, quiet, nowMs);
  expect(await store.usage.finalBefore()).toEqual(new Date(present));
  const query = { from: new Date(longAgo), to: new Date(nowMs) };
  expect(groupUsage(await store.usage.hours(query), "total")).toMatchObject([{ attempts: 1 }]);
});
