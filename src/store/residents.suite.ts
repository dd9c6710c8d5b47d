import { createHash, randomUUID } from "node:crypto";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { addWorker, claimOne, newJob, openTestStore, type TestStore } from "../../test/store.ts";
import type { JsonObject } from "../kernel/json.ts";
import { parseLosslessJson } from "../kernel/lossless-json.ts";
import type { Resident } from "../protocol/worker-link.ts";

const resident = (model: string, change: Partial<Resident> = {}): Resident => ({
  model,
  bytes: 7,
  tier: "disk",
  pinned: false,
  ...change,
});

/** The contract of the store's model residents, releases and launch times. */
export function describeResidents(server: { readonly name: string; readonly url: string }): void {
  describe(`models in the store on ${server.name}`, () => {
    let fixture: TestStore;
    beforeAll(async () => {
      fixture = await openTestStore(server.url);
    });
    afterAll(() => fixture.close());

    const list = async (workerId: string): Promise<readonly unknown[]> =>
      (await fixture.store.workers.listResidents(fixture.deploymentId))
        .filter((row) => row.workerId === workerId)
        .map(({ model, tier, bytes, pinned }) => ({ model, tier, bytes, pinned }));

    it("replaces what a worker has as a whole", async () => {
      const { workers } = fixture.store;
      const workerId = await addWorker(fixture);
      await workers.reportResidents(workerId, [resident("vae/a"), resident("loras/b")]);
      const second = [resident("loras/b", { tier: "vram", pinned: true }), resident("vae/c")];
      await workers.reportResidents(workerId, second);
      expect(await list(workerId)).toEqual(second);
      await workers.reportResidents(workerId, []);
      expect(await list(workerId)).toEqual([]);
    });

    it("takes the first word of a model that is named twice", async () => {
      const workerId = await addWorker(fixture);
      const twice = [resident("vae/a", { tier: "ram" }), resident("vae/a")];
      await fixture.store.workers.reportResidents(workerId, twice);
      expect(await list(workerId)).toEqual([twice[0]]);
    });

    it("forgets the models of a worker that leaves, and takes none from it later", async () => {
      const { workers } = fixture.store;
      const workerId = await addWorker(fixture);
      await workers.reportResidents(workerId, [resident("vae/a")]);
      await workers.markGone(workerId);
      await workers.reportResidents(workerId, [resident("vae/a")]);
      const { rows } = await fixture.query("select from worker_resident where worker_id = $1", [
        workerId,
      ]);
      expect(rows).toHaveLength(0);
    });

    it("keeps a deployment's release, with every digit of its warmup's seed", async () => {
      const { access } = fixture.store;
      expect(await access.release(fixture.deploymentId)).toEqual({ models: [], warmup: null });
      const models = [
        { folder: "vae", filename: "a.sft", sha256: null, bytes: 3, sources: ["https://x/a"] },
      ];
      const seed = "18446744073709551615";
      const warmup = parseLosslessJson(`{"seed":${seed}}`) as JsonObject;
      await access.setRelease(fixture.deploymentId, { models, warmup });
      const kept = await access.release(fixture.deploymentId);
      expect(kept.models).toEqual(models);
      expect(JSON.stringify(kept.warmup)).toBe(`{"seed":${seed}}`);
    });

    it("tells how long an instance took to run and its worker to enrol", async () => {
      const { workers, control } = fixture.store;
      const instanceId = randomUUID();
      const tokenHash = createHash("sha256").update(instanceId).digest();
      const { deploymentId } = fixture;
      await control.createInstance({ id: instanceId, deploymentId, platform: "local" });
      await fixture.query(
        "update instance set created_at = clock_timestamp() - interval '9 seconds' where id = $1",
        [instanceId],
      );
      await control.updateInstance(instanceId, "running", "x");
      await fixture.query(
        "update instance set running_at = created_at + interval '4 seconds' where id = $1",
        [instanceId],
      );
      await control.updateInstance(instanceId, "running", "x");
      await workers.createEnrollment({ tokenHash, deploymentId, instanceId, validMs: 60_000 });
      const worker = { id: randomUUID(), name: "w", tokenHash };
      const enrolled = await workers.enroll(tokenHash, worker);
      expect(enrolled?.launch?.capacityMs).toBe(4_000);
      expect(enrolled?.launch?.imageMs).toBeGreaterThanOrEqual(5_000);
    });

    it("gives the workflows of the queue's first jobs, and an ended attempt's phases", async () => {
      const { jobs, attempts } = fixture.store;
      const first = newJob(fixture, { workflow: { "1": { class_type: "First", inputs: {} } } });
      const second = newJob(fixture, { workflow: { "1": { class_type: "Second", inputs: {} } } });
      await jobs.submit(first);
      await jobs.submit(second);
      const heads = await jobs.headWorkflows(fixture.deploymentId, 1);
      expect(heads).toEqual([first.workflow]);
      const workerId = await addWorker(fixture);
      const { jobId, epoch } = await claimOne(fixture, workerId);
      const timings = { processMs: 8_000, weightsMs: 8_100, executeMs: 5 };
      await attempts.complete({ jobId, epoch, workerId }, [], { log: null, timings });
      expect((await jobs.get(fixture.tenantId, jobId))?.timings).toEqual(timings);
    });
  });
}
