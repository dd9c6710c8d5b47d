import { randomUUID } from "node:crypto";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { addWorker, claimOne, newJob, openTestStore, type TestStore } from "../../test/store.ts";

const end = { log: null, timings: { stageMs: 4_000, executeMs: 12 } };

/** The contract of what the scale loop asks of the store. */
export function describeScaling(server: { readonly name: string; readonly url: string }): void {
  describe(`scaling in the store on ${server.name}`, () => {
    let fixture: TestStore;
    beforeAll(async () => {
      fixture = await openTestStore(server.url);
    });
    afterAll(() => fixture.close());

    const newDeployment = async (): Promise<number> => {
      const made = await fixture.store.access.createDeployment(
        fixture.tenantId,
        `d-${randomUUID().slice(0, 8)}`,
      );
      if (made === undefined) throw new Error("the name is taken");
      return made.id;
    };

    it("keeps settings and what was learned, and forgets both when scaling ends", async () => {
      const { scaling } = fixture.store;
      const deploymentId = await newDeployment();
      await scaling.set(deploymentId, { maxWorkers: 3 });
      await scaling.remember(deploymentId, { runMs: 7 });
      await scaling.set(deploymentId, { maxWorkers: 4 });
      const find = async () =>
        (await scaling.list()).find((row) => row.deploymentId === deploymentId);
      expect(await find()).toMatchObject({ settings: { maxWorkers: 4 }, memory: { runMs: 7 } });
      await scaling.set(deploymentId, null);
      expect(await find()).toBeUndefined();
    });

    it("shows what waits, in the order in which it will run", async () => {
      const deploymentId = await newDeployment();
      for (const priority of ["low", "critical"] as const) {
        const job = newJob(fixture, { deploymentId, priority });
        const estimateMs = priority === "low" ? 9_000 : 3_000;
        await fixture.store.jobs.submit({ ...job, placement: { ...job.placement, estimateMs } });
      }
      const [queue] = await fixture.store.scaling.queues([deploymentId]);
      expect(queue).toEqual({
        deploymentId,
        queued: 2,
        head: [
          [0, 3_000],
          [0, 9_000],
        ],
      });
    });

    it("counts no further than a thousand and shows no more than two hundred", async () => {
      const deploymentId = await newDeployment();
      await fixture.store.jobs.submit(newJob(fixture, { deploymentId }));
      await fixture.query(
        `insert into job (id, tenant_id, deployment_id, priority, v, deadline_at, expires_at, retention_ms)
         select gen_random_uuid(), tenant_id, deployment_id, priority, v, deadline_at, expires_at, retention_ms
         from job, generate_series(1, 1200) where deployment_id = $1`,
        [deploymentId],
      );
      await fixture.query(
        `insert into job_queue (id, job_id, pool, tenant, v)
         select seq, id, deployment_id, tenant_id, v from job
         where deployment_id = $1 and id not in (select job_id from job_queue)`,
        [deploymentId],
      );
      const [queue] = await fixture.store.scaling.queues([deploymentId]);
      expect(queue?.queued).toBe(1000);
      expect(queue?.head).toHaveLength(200);
    });

    it("shows instances before and while their workers run, and workers of nobody", async () => {
      const { store } = fixture;
      const id = randomUUID();
      await store.control.createInstance({ id, deploymentId: fixture.deploymentId, platform: "p" });
      const workerId = await addWorker(fixture);
      await store.jobs.submit(newJob(fixture));
      await claimOne(fixture, workerId);
      const rows = await store.scaling.instances([fixture.deploymentId]);
      expect(rows).toMatchObject([
        { instanceId: id, platform: "p", state: "launching", workerId: null, claimedAt: null },
        { instanceId: null, platform: null, workerId, workerState: "ready", modelSet: 0 },
      ]);
      expect(rows[1]?.claimedAt).toBeInstanceOf(Date);
    });

    it("records no launch once the fleet has another size than was thought", async () => {
      const { scaling } = fixture.store;
      const deploymentId = await newDeployment();
      await scaling.set(deploymentId, { maxWorkers: 9 });
      const launch = (present: number): Promise<boolean> =>
        scaling.createInstance({ id: randomUUID(), deploymentId, platform: "p" }, present);
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => launch(0)));
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      expect(await launch(1)).toBe(true);
      expect(await scaling.launches([deploymentId])).toMatchObject([
        { platform: "p", goneAt: null, wasReady: false },
        { platform: "p" },
      ]);
    });

    it("tells what ended and what arrived since a moment", async () => {
      const { store } = fixture;
      const since = await store.scaling.now();
      const workerId = await addWorker(fixture);
      const job = newJob(fixture);
      await store.jobs.submit(job);
      const claim = await claimOne(fixture, workerId);
      const attempt = { jobId: claim.jobId, epoch: claim.epoch, workerId };
      await store.attempts.complete(attempt, [], end);
      const ended = await store.scaling.endedSince(since);
      expect(ended).toMatchObject([{ isSuccess: true, stageMs: 4_000, modelSet: 0 }]);
      const arrivals = await store.scaling.arrivalsSince(since);
      expect(arrivals).toEqual([{ deploymentId: fixture.deploymentId, jobs: 1 }]);
      await store.scaling.rollUpArrivals();
      await store.scaling.rollUpArrivals();
      const [bucket] = await store.scaling.arrivals(fixture.deploymentId, new Date(0));
      expect(bucket?.jobs).toBeGreaterThanOrEqual(1);
    });

    it("keeps the newest decisions only", async () => {
      const { scaling } = fixture.store;
      const deploymentId = await newDeployment();
      for (let number = 0; number < 503; number++) {
        await scaling.recordDecision({ deploymentId, snapshot: { number }, decision: {} });
      }
      const kept = await scaling.decisions(deploymentId, 1000);
      expect(kept).toHaveLength(500);
      expect(kept[0]?.snapshot).toEqual({ number: 502 });
    });
  });
}
