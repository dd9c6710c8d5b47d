import { randomUUID } from "node:crypto";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { addWorker, claimOne, newJob, openTestStore, type TestStore } from "../../test/store.ts";
import { emptySketch } from "../observability/sketch.ts";
import { summarize } from "../observability/kpi.ts";

const hour = new Date("2026-03-01T10:00:00Z");
const next = new Date("2026-03-01T11:00:00Z");
const summary = {
  ...summarize([]),
  costs: { runMicroUsd: 1, loadMicroUsd: 2, startMicroUsd: 3, idleMicroUsd: 4 },
  attempts: 1,
  succeeded: 1,
  paidMs: 10,
  busyMs: 5,
};

/** The contract of the books, run against a server. */
export function describeUsage(server: { readonly name: string; readonly url: string }): void {
  describe(`the books on ${server.name}`, () => {
    let fixture: TestStore;
    beforeAll(async () => {
      fixture = await openTestStore(server.url);
    });
    afterAll(() => fixture.close());

    it("list what was paid for in a span, with its price", async () => {
      const { store, deploymentId } = fixture;
      await store.budgets.setDeploymentPrice(deploymentId, 700);
      const workerId = await addWorker(fixture);
      const instanceId = randomUUID();
      await store.control.createInstance({ id: instanceId, deploymentId, platform: "p" });
      await store.budgets.setInstancePrice(instanceId, 900);
      await fixture.query("update worker set enrolled_at = $2 where id = $1", [workerId, hour]);
      await fixture.query(
        "update instance set state = 'gone', running_at = $2, gone_at = $3 where id = $1",
        [instanceId, hour, next],
      );
      const between = await store.usage.units(hour, next, 10);
      expect(between).toEqual(
        expect.arrayContaining([
          {
            id: instanceId,
            deploymentId,
            startedAt: hour,
            endedAt: next,
            priceMicroUsdPerHour: 900,
          },
          {
            id: workerId,
            deploymentId,
            startedAt: hour,
            endedAt: null,
            priceMicroUsdPerHour: 700,
          },
        ]),
      );
      const later = await store.usage.units(next, new Date(next.getTime() + 1), 10);
      expect(later.map(({ id }) => id)).toEqual([workerId]);
      expect(await store.usage.units(hour, next, 1)).toHaveLength(1);
    });

    it("list the attempts of a span with what they waited for", async () => {
      const { store } = fixture;
      const workerId = await addWorker(fixture);
      const job = newJob(fixture);
      await store.jobs.submit(job);
      const { epoch } = await claimOne(fixture, workerId);
      const end = { log: null, timings: { executeMs: 12 }, peakBytes: 77 };
      await store.attempts.release({ jobId: job.id, epoch, workerId }, false);
      const again = await claimOne(fixture, workerId);
      await store.attempts.complete({ jobId: job.id, epoch: again.epoch, workerId }, [], end);
      const from = new Date(Date.now() - 60_000);
      const found = await store.usage.attempts(from, new Date(Date.now() + 60_000), 10);
      const ours = found.filter(({ jobId }) => jobId === job.id);
      expect(ours).toMatchObject([
        { epoch: 1, unitId: workerId, requeuedAt: null, state: "released", modelSet: 0 },
        {
          epoch: 2,
          unitId: workerId,
          state: "succeeded",
          timings: { executeMs: 12 },
          peakVramBytes: 77,
        },
      ]);
      expect(ours[1]?.requeuedAt).toEqual(ours[0]?.endedAt);
      const before = new Date(Date.now() - 7_200_000);
      expect(await store.usage.attempts(before, new Date(before.getTime() + 1), 10)).toEqual([]);
    });

    it("keep hours, replace them, and know where to go on", async () => {
      const { store, deploymentId, tenantId } = fixture;
      const row = { deploymentId, hour, modelSet: 0, summary };
      expect(await store.usage.finalBefore()).toBeNull();
      await store.usage.saveHour(hour, [row], false);
      expect(await store.usage.finalBefore()).toBeNull();
      const more = { ...summary, attempts: 2 };
      await store.usage.saveHour(hour, [{ ...row, summary: more }], true);
      expect(await store.usage.finalBefore()).toEqual(next);
      const query = { from: hour, to: next, deploymentId, tenantId };
      expect(await store.usage.hours(query)).toEqual([
        { ...row, summary: more, deployment: "default", tenant: "default", models: [] },
      ]);
      expect(more.sketches.costMicroUsd).toEqual(emptySketch);
      expect(await store.usage.hours({ from: next, to: new Date() })).toEqual([]);
      expect(await store.usage.hours({ ...query, tenantId: tenantId + 1 })).toEqual([]);
      await store.usage.forgetBefore(next);
      expect(await store.usage.hours(query)).toEqual([]);
    });
  });
}
