import { randomUUID } from "node:crypto";

import { describe, expect, it } from "vitest";

import {
  addWorker,
  claimOne,
  newJob,
  openTestStore,
  placementOf,
  type TestStore,
} from "../../test/store.ts";
import type { ClaimGroup, ClaimSlot } from "./attempts.ts";
import type { JobPlacement } from "./jobs.ts";

/** Submits a job and returns its id and its place in the queue. */
async function queued(
  fixture: TestStore,
  change: Partial<JobPlacement> = {},
): Promise<{ readonly id: string; readonly queueId: number }> {
  const job = newJob(fixture, { placement: placementOf("normal", change) });
  await fixture.store.jobs.submit(job);
  const { rows } = await fixture.query<{ seq: string }>("select seq from job where id = $1", [
    job.id,
  ]);
  return { id: job.id, queueId: Number(rows[0]?.seq) };
}

const attemptEnd = { log: null, timings: {} };

const slotOf = (workerId: string): ClaimSlot => ({ workerId, attemptId: randomUUID() });

/** How jobs are chosen and claimed, run against a server. */
export function describeClaims(server: { readonly name: string; readonly url: string }): void {
  describe(`claims on ${server.name}`, () => {
    const withStore = async (body: (fixture: TestStore) => Promise<void>): Promise<void> => {
      const fixture = await openTestStore(server.url);
      try {
        await body(fixture);
      } finally {
        await fixture.close();
      }
    };
    const claimChosen = async (
      fixture: TestStore,
      groups: readonly ClaimGroup[],
    ): Promise<ReadonlyMap<string, string>> => {
      const { attempts } = fixture.store;
      const claims = await attempts.claimChosen(fixture.deploymentId, groups, 30_000);
      return new Map(claims.map((claim) => [claim.workerId, claim.jobId]));
    };

    it("gives a new job to the worker that waits for it, if nobody comes before it", () =>
      withStore(async (fixture) => {
        const { jobs, attempts } = fixture.store;
        const workerId = await addWorker(fixture);
        const seat = { ...slotOf(workerId), leaseMs: 30_000, fromV: -Infinity };
        const [first, second, third] = [newJob(fixture), newJob(fixture), newJob(fixture)];
        expect(await jobs.submit(first, seat)).toMatchObject({ epoch: 1 });
        expect(await jobs.get(first.tenantId, first.id)).toMatchObject({ state: "running" });
        const attempt = { jobId: first.id, epoch: 1, workerId };
        expect(await attempts.heartbeat([attempt], 30_000)).toEqual(["continue"]);
        await jobs.submit(second);
        const late = { ...slotOf(workerId), leaseMs: 30_000, fromV: -Infinity };
        expect(await jobs.submit(third, late)).toMatchObject({ epoch: 0 });
        expect((await claimOne(fixture, workerId)).jobId).toBe(second.id);
        expect((await claimOne(fixture, workerId)).jobId).toBe(third.id);
        await expect(claimOne(fixture, workerId)).rejects.toThrow("nothing to claim");
      }));

    it("queues a job again that its waiting worker gives back", () =>
      withStore(async (fixture) => {
        const workerId = await addWorker(fixture);
        const job = newJob(fixture);
        const seat = { ...slotOf(workerId), leaseMs: 30_000, fromV: -Infinity };
        await fixture.store.jobs.submit(job, seat);
        const attempt = { jobId: job.id, epoch: 1, workerId };
        expect(await fixture.store.attempts.release(attempt, false)).toBe("accepted");
        const again = await claimOne(fixture, await addWorker(fixture));
        expect(again).toMatchObject({ jobId: job.id, epoch: 2 });
        expect(await fixture.store.attempts.complete(attempt, [], attemptEnd)).toBe("stale");
      }));

    it("leaves a job that needs models to whoever chooses it", () =>
      withStore(async (fixture) => {
        const needy = await queued(fixture, { modelSet: 2 });
        const plain = await queued(fixture);
        const workerId = await addWorker(fixture);
        expect((await claimOne(fixture, workerId)).jobId).toBe(plain.id);
        await expect(claimOne(fixture, workerId)).rejects.toThrow("nothing to claim");
        const groups = [{ slots: [slotOf(workerId)], queueIds: [needy.queueId] }];
        expect(await claimChosen(fixture, groups)).toEqual(new Map([[workerId, needy.id]]));
      }));

    it("gives each worker of a group the best that is left of the group's jobs", () =>
      withStore(async (fixture) => {
        const jobs = await Promise.all(Array.from({ length: 4 }, () => queued(fixture)));
        const [first, second, third, fourth] = jobs;
        const [one, two, three] = await Promise.all([1, 2, 3].map(() => addWorker(fixture)));
        const taken = [{ slots: [slotOf(three!)], queueIds: [first!.queueId] }];
        await claimChosen(fixture, taken);
        const groups = [
          {
            slots: [slotOf(one!), slotOf(two!)],
            queueIds: [first!, third!, second!].map((job) => job.queueId),
          },
          { slots: [slotOf(three!)], queueIds: [fourth!.queueId] },
        ];
        expect(await claimChosen(fixture, groups)).toEqual(
          new Map([
            [one, third!.id],
            [two, second!.id],
            [three, fourth!.id],
          ]),
        );
        expect(await claimChosen(fixture, groups)).toEqual(new Map());
      }));

    it("takes nothing from the queue of another deployment", () =>
      withStore(async (fixture) => {
        const { queueId } = await queued(fixture);
        const other = await fixture.store.access.createDeployment(fixture.tenantId, "other");
        const slots = [slotOf(await addWorker(fixture))];
        const groups = [{ slots, queueIds: [queueId] }];
        expect(await fixture.store.attempts.claimChosen(other!.id, groups, 30_000)).toEqual([]);
      }));

    it("queues a job again under the keys it had", () =>
      withStore(async (fixture) => {
        const placement = { modelSet: 2, vramBytes: 5e9, estimateMs: 700, coldDelaySeconds: 9 };
        const { queueId } = await queued(fixture, { ...placement, dueInMs: 60_000 });
        const rowOf = async (): Promise<unknown> => (await fixture.query(rowText)).rows;
        const before = await rowOf();
        const workerId = await addWorker(fixture);
        const groups = [{ slots: [slotOf(workerId)], queueIds: [queueId] }];
        const { attempts } = fixture.store;
        const [claim] = await attempts.claimChosen(fixture.deploymentId, groups, 30_000);
        await attempts.release({ ...claim!, workerId }, false);
        expect(await rowOf()).toEqual(before);
      }));

    it("says what the wait of a queued job depends on, and learns run times for that", () =>
      withStore(async (fixture) => {
        const { store, tenantId, deploymentId } = fixture;
        await addWorker(fixture);
        const { id } = await queued(fixture, { modelSet: 2, coldDelaySeconds: 8 });
        const outlookOf = async (): Promise<unknown> =>
          (await store.jobs.get(tenantId, id))?.outlook;
        expect(await outlookOf()).toEqual({ readyWorkers: 1, meanRunMs: null, loadMs: 4_000 });
        const sample = { deploymentId, key: "all", seconds: 3 };
        await store.estimates.learn([sample, { ...sample, seconds: 5 }], (known, seconds) => ({
          meanSeconds: ((known?.meanSeconds ?? seconds) + seconds) / 2,
          samples: (known?.samples ?? 0) + 1,
        }));
        expect(await outlookOf()).toMatchObject({ meanRunMs: 4_000 });
      }));

    it("tags a flooding tenant ever later, and another one not at all", () =>
      withStore(async (fixture) => {
        const other = await fixture.store.access.ensureTenant("other");
        const submit = async (tenantId: number): Promise<number> => {
          const placement = placementOf("critical", { tagSeconds: 1000 });
          const key = await fixture.store.jobs.submit(newJob(fixture, { tenantId, placement }));
          return key === "reused" ? Number.NaN : key.v;
        };
        const floods = [];
        for (let count = 0; count < 4; count++) floods.push(await submit(fixture.tenantId));
        const start = floods[0] ?? Number.NaN;
        expect(floods.map((v) => Math.round((v - start) / 1000))).toEqual([0, 1, 2, 3]);
        expect(Math.round(((await submit(other.id)) - start) / 1000)).toBe(0);
      }));
  });
}

const rowText = `select id, job_id, pool, tenant, v, v_cold, model_set, vram_bytes, vram_class, estimate_ms,
  overdue_from, due, is_demoted, enqueued_at - (select submitted_at from job) < interval '1 second' as "atOnce"
  from job_queue`;
