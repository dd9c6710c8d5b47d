import { randomUUID } from "node:crypto";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { postgresServers } from "../../../test/database.ts";
import {
  addWorker,
  newJob,
  openTestStore,
  placementOf,
  type TestStore,
} from "../../../test/store.ts";
import { createLogger } from "../../observability/logger.ts";
import { decideRound, type RoundInput } from "../../scheduler/round.ts";
import type { Claim } from "../../store/attempts.ts";
import type { JobPlacement } from "../../store/jobs.ts";
import { openPostgresStore } from "../../store/postgres/store.ts";
import type { Store } from "../../store/store.ts";
import { modelSetId } from "../../workflow/model-ref.ts";
import { createDispatch, type Dispatch } from "./dispatch.ts";

const never = new AbortController().signal;
const leaseMs = 30_000;

function dispatchOver(store: Store): Dispatch {
  const logger = createLogger({ level: "silent" });
  const clock = { now: Date.now };
  return createDispatch({ store, logger, clock, leaseMs, newId: randomUUID });
}

describe("jobs that need models", () => {
  let fixture: TestStore;
  let dispatch: Dispatch;
  beforeAll(async () => {
    fixture = await openTestStore(postgresServers()[0]!.url);
    dispatch = dispatchOver(fixture.store);
  });
  afterAll(async () => {
    await dispatch.close();
    await fixture.close();
  });

  const keyOf = (name: string): string => `checkpoints/${name}.safetensors`;
  const submit = async (
    model: string,
    change: Partial<JobPlacement> = {},
    tenantId = fixture.tenantId,
  ): Promise<string> => {
    const keys = [keyOf(model)];
    const modelSet = await fixture.store.queue.internModelSet(modelSetId(keys), keys);
    const placement = placementOf("normal", { modelSet, estimateMs: 20_000, ...change });
    const job = newJob(fixture, { tenantId, placement });
    await fixture.store.jobs.submit(job);
    return job.id;
  };
  const workerWith = async (models: readonly string[], vramBytes = 0): Promise<string> => {
    const workerId = await addWorker(fixture, vramBytes);
    const residents = models.map((name) => ({
      model: keyOf(name),
      bytes: 7e9,
      tier: "vram" as const,
      pinned: false,
    }));
    await fixture.store.workers.reportResidents(workerId, residents);
    return workerId;
  };
  const claim = async (workerId: string, waitMs = 20_000, from = dispatch): Promise<unknown> => {
    const { deploymentId } = fixture;
    return (await from.dispatcher.claim(deploymentId, workerId, waitMs, never))?.jobId;
  };

  it("go to a worker that holds them, also before earlier ones that it would have to load", async () => {
    const other = await submit("other");
    const own = await submit("own");
    expect(await claim(await workerWith(["own"]))).toBe(own);
    expect(await claim(await workerWith(["other"]))).toBe(other);
  });

  it("wait for a warm worker that is soon free, until they have waited too long", async () => {
    const warm = await workerWith(["popular"]);
    const first = await submit("popular", { estimateMs: 5_000 });
    expect(await claim(warm)).toBe(first);
    const second = await submit("popular", { estimateMs: 5_000 });
    const cold = await workerWith(["unpopular"]);
    expect(await claim(cold, 300)).toBeUndefined();
    await fixture.query(
      "update job_queue set enqueued_at = enqueued_at - interval '2 minutes' where job_id = $1",
      [second],
    );
    expect(await claim(cold)).toBe(second);
  });

  it("do not wait for a warm worker whose run is long past its estimate", async () => {
    const warm = await workerWith(["endless"]);
    const running = await submit("endless", { estimateMs: 5_000 });
    expect(await claim(warm)).toBe(running);
    await fixture.query(
      "update attempt set claimed_at = claimed_at - interval '3 hours' where job_id = $1",
      [running],
    );
    const waiting = await submit("endless", { estimateMs: 5_000 });
    expect(await claim(await workerWith(["something"]), 10_000)).toBe(waiting);
  });

  it("go only to workers whose memory holds them, unless none has more", async () => {
    const small = await workerWith(["big"], 8e9);
    await workerWith([], 24e9);
    const job = await submit("big", { vramBytes: 12e9, vramClass: 1 });
    expect(await claim(small, 300)).toBeUndefined();
    expect(await claim(await workerWith(["big"], 24e9))).toBe(job);
  });

  it("do not wait for a warm worker that is too small for them", async () => {
    await workerWith(["tight"], 8e9);
    const job = await submit("tight", { vramBytes: 12e9, vramClass: 1 });
    expect(await claim(await workerWith([], 24e9), 5_000)).toBe(job);
  });

  it("are no larger than what others on the card leave to a worker", async () => {
    const worker = await workerWith(["shared"], 24e9);
    const job = await submit("shared", { vramBytes: 12e9, vramClass: 1 });
    const { deploymentId } = fixture;
    const within = (budgetBytes: number): Promise<Claim | undefined> =>
      dispatch.dispatcher.claim(deploymentId, worker, 500, never, { budgetBytes });
    expect(await within(8e9)).toBeUndefined();
    expect((await within(16e9))?.jobId).toBe(job);
  });

  it("are decided on for reasons that a replay of what is stored finds again", async () => {
    const workerId = await workerWith(["replayed"]);
    await submit("elsewhere");
    const job = await submit("replayed");
    expect(await claim(workerId)).toBe(job);
    await dispatch.close();
    dispatch = dispatchOver(fixture.store);
    const [round] = await fixture.store.decisions.ofJob(job, 5);
    expect(round?.decisions).toMatchObject([{ workerId, claimedJobId: job }]);
    const rounds = await fixture.query<{ input: RoundInput; decisions: { choice: object }[] }>(
      "select input, decisions from decision_round",
    );
    expect(rounds.rows.length).toBeGreaterThan(4);
    for (const { input, decisions } of rounds.rows) {
      const again = decideRound(input).map(({ decision }) => decision.choice);
      expect(again).toEqual(decisions.map(({ choice }) => choice));
    }
    await fixture.store.jobs.requestCancel(fixture.tenantId, (await queued())[0] ?? "");
  });

  it("make way once they can no longer be in time", async () => {
    const late = await submit("late", { dueInMs: 1_000, estimateMs: 60_000 });
    const next = await submit("late");
    const workerId = await workerWith(["late"]);
    expect(await claim(workerId, 300)).toBeUndefined();
    expect(await claim(workerId)).toBe(next);
    expect(await claim(workerId)).toBe(late);
  });

  it("stay queued while their tenant runs as many as it may", async () => {
    const tenant = await fixture.store.access.ensureTenant("capped");
    await fixture.store.tenants.share(tenant.id, fixture.deploymentId, 1);
    await fixture.store.tenants.setLimits(tenant.id, { maxRunning: 1 });
    const worker = await workerWith(["capped"]);
    const first = await submit("capped", {}, tenant.id);
    expect(await claim(worker)).toBe(first);
    const second = await submit("capped", {}, tenant.id);
    const others = await submit("capped");
    const views = dispatchOver(fixture.store);
    expect(await claim(worker, 20_000, views)).toBe(others);
    expect(await claim(worker, 300, views)).toBeUndefined();
    await views.close();
    await fixture.store.jobs.requestCancel(tenant.id, second);
  });

  it("are found within a second although nobody said that they are there", async () => {
    const other = await openPostgresStore({ connectionString: fixture.url });
    const elsewhere = dispatchOver(other);
    const workerId = await workerWith(["silent"]);
    const waiting = claim(workerId, 20_000, elsewhere);
    const job = await submit("silent");
    expect(await waiting).toBe(job);
    await elsewhere.close();
    await other.close();
  });

  const queued = async (): Promise<readonly string[]> => {
    const { rows } = await fixture.query<{ id: string }>("select job_id as id from job_queue");
    return rows.map(({ id }) => id);
  };
});

describe("several gateways at once", () => {
  it.each(postgresServers())("claim every job once on $name", async (server) => {
    const fixture = await openTestStore(server.url);
    const stores = await Promise.all(
      [1, 2, 3].map(() => openPostgresStore({ connectionString: fixture.url, maxConnections: 4 })),
    );
    const gateways = stores.map(dispatchOver);
    const jobs = 180;
    for (let count = 0; count < jobs; count++) {
      const keys = [`checkpoints/${count % 6}.safetensors`];
      const modelSet =
        count % 9 === 0 ? 0 : await fixture.store.queue.internModelSet(modelSetId(keys), keys);
      const placement = placementOf("normal", { modelSet, estimateMs: 10 });
      await fixture.store.jobs.submit(newJob(fixture, { placement }));
    }
    const claimed: string[] = [];
    const work = async (gateway: Dispatch): Promise<void> => {
      const workerId = await addWorker(fixture);
      for (let misses = 0; misses < 3 && claimed.length < jobs;) {
        const claim = await gateway.dispatcher.claim(fixture.deploymentId, workerId, 1_500, never);
        if (claim === undefined) misses++;
        else claimed.push(claim.jobId);
      }
    };
    await Promise.all(gateways.flatMap((gateway) => [1, 2, 3, 4].map(() => work(gateway))));
    expect(claimed.length).toBe(jobs);
    expect(new Set(claimed).size).toBe(jobs);
    for (const gateway of gateways) await gateway.close();
    for (const store of stores) await store.close();
    await fixture.close();
  });
});
