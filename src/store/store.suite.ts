import { randomUUID } from "node:crypto";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { addWorker, claimOne, newJob, openTestStore, type TestStore } from "../../test/store.ts";
import type { NewOutput } from "./attempts.ts";

const end = { log: { text: "done", truncated: false }, timings: { executeMs: 12 } };
const oom = {
  failureClass: "out_of_memory",
  failure: { code: "out_of_memory", message: "full", nodeId: "3", classType: "K", traceback: null },
} as const;
const crash = {
  failureClass: "transient",
  failure: {
    code: "comfyui_crashed",
    message: "x",
    nodeId: null,
    classType: null,
    traceback: null,
  },
} as const;

function output(jobId: string, epoch: number, fill = "a"): NewOutput {
  const hash = fill.repeat(64);
  return {
    assetId: randomUUID(),
    nodeId: "9",
    name: `${fill}.png`,
    type: "image",
    contentType: "image/png",
    hash: `blake3:${hash}`,
    sizeBytes: 10,
    key: `jobs/${jobId}/${epoch}/${hash}`,
  };
}

/** The contract of the store's jobs and attempts, run against a server. */
export function describeStore(server: { readonly name: string; readonly url: string }): void {
  describe(`the store on ${server.name}`, () => {
    let fixture: TestStore;
    beforeAll(async () => {
      fixture = await openTestStore(server.url);
    });
    afterAll(() => fixture.close());

    const submit = async (change = {}): Promise<string> => {
      const job = newJob(fixture, change);
      expect(await fixture.store.jobs.submit(job)).not.toBe("reused");
      return job.id;
    };
    const state = async (jobId: string): Promise<string | undefined> =>
      (await fixture.store.jobs.get(fixture.tenantId, jobId))?.state;

    it("takes a job from submit to an accepted result with outputs and a log", async () => {
      const jobId = await submit({ metadata: { order: "7" } });
      const workerId = await addWorker(fixture);
      const claim = await claimOne(fixture, workerId);
      expect(claim).toMatchObject({ jobId, epoch: 1 });
      const attempt = { jobId, epoch: 1, workerId };
      const progress = {
        value: 0.5,
        nodesDone: 1,
        nodesTotal: 2,
        currentNode: "1",
        currentNodeClass: "EmptyImage",
        step: null,
        steps: null,
        message: null,
      };
      const first = output(jobId, 1, "a");
      expect(await fixture.store.attempts.report(attempt, { progress, outputs: [first] })).toBe(
        "continue",
      );
      const running = await fixture.store.jobs.get(fixture.tenantId, jobId);
      expect(running).toMatchObject({ state: "running", progress });
      expect(running?.outputs.map((file) => file.name)).toEqual(["a.png"]);
      const all = [first, output(jobId, 1, "b"), { ...output(jobId, 1, "b"), name: "copy.png" }];
      expect(await fixture.store.attempts.complete(attempt, all, end)).toBe("known");
      const done = await fixture.store.jobs.get(fixture.tenantId, jobId);
      expect(done).toMatchObject({ state: "succeeded", progress: null, failure: null });
      expect(done?.outputs.map((file) => file.name)).toEqual(["a.png", "b.png", "copy.png"]);
      expect(await fixture.store.jobs.log(fixture.tenantId, jobId)).toMatchObject({ text: "done" });
      expect(await fixture.store.jobs.workflow(fixture.tenantId, jobId)).toBeDefined();
      expect(await fixture.store.attempts.complete(attempt, all, end)).toBe("known");
    });

    it("keeps every output that is reported by and by, and none twice", async () => {
      const jobId = await submit();
      const workerId = await addWorker(fixture);
      const { epoch } = await claimOne(fixture, workerId);
      const attempt = { jobId, epoch, workerId };
      const [first, second, third] = ["a", "b", "c"].map((fill) => output(jobId, epoch, fill));
      for (const told of [[first!], [second!], [second!]]) {
        await fixture.store.attempts.report(attempt, { outputs: told });
      }
      const names = async (): Promise<readonly string[] | undefined> =>
        (await fixture.store.jobs.get(fixture.tenantId, jobId))?.outputs.map((file) => file.name);
      expect(await names()).toEqual(["a.png", "b.png"]);
      const all = [third!, second!, first!];
      expect(await fixture.store.attempts.complete(attempt, all, end)).toBe("known");
      expect(await names()).toEqual(["a.png", "b.png", "c.png"]);
    });

    it("claims by priority first and by age within a priority", async () => {
      const own = await openTestStore(server.url);
      const ids: string[] = [];
      for (const priority of ["low", "normal", "normal", "critical"] as const) {
        const job = newJob(own, { priority });
        ids.push(job.id);
        await own.store.jobs.submit(job);
      }
      const positions = await Promise.all(
        ids.map(async (id) => (await own.store.jobs.get(own.tenantId, id))?.queuePosition),
      );
      expect(positions).toEqual([3, 1, 2, 0]);
      const workerId = await addWorker(own);
      const order: string[] = [];
      for (let count = 0; count < 4; count++) order.push((await claimOne(own, workerId)).jobId);
      expect(order).toEqual([ids[3], ids[1], ids[2], ids[0]]);
      await own.close();
    });

    it("gives each of many jobs to exactly one of many claimers", async () => {
      const own = await openTestStore(server.url);
      await Promise.all(Array.from({ length: 60 }, () => own.store.jobs.submit(newJob(own))));
      const workers = await Promise.all(Array.from({ length: 8 }, () => addWorker(own)));
      const claims = await Promise.all(
        workers.flatMap((workerId) =>
          Array.from({ length: 4 }, () =>
            own.store.attempts.claim(
              own.deploymentId,
              [0, 1].map(() => ({ workerId, attemptId: randomUUID() })),
              30_000,
            ),
          ),
        ),
      );
      const claimed = claims.flat().map((claim) => claim.jobId);
      expect(new Set(claimed).size).toBe(claimed.length);
      expect(claimed.length).toBe(60);
      await own.close();
    });

    it("acts once on a hundred submits with one idempotency key", async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, () =>
          fixture.store.jobs.submit(newJob(fixture, { idempotencyKey: "same" })),
        ),
      );
      expect(outcomes.filter((outcome) => outcome !== "reused")).toHaveLength(1);
      const workerId = await addWorker(fixture);
      const claim = await claimOne(fixture, workerId);
      await fixture.store.attempts.release({ ...claim, workerId }, false);
      expect(await fixture.store.jobs.requestCancel(fixture.tenantId, claim.jobId)).toBe(true);
    });

    it("cancels a queued job at once and a running one when its worker confirms", async () => {
      const queued = await submit();
      expect(await fixture.store.jobs.requestCancel(fixture.tenantId, queued)).toBe(true);
      expect(await state(queued)).toBe("canceled");
      const running = await submit();
      const workerId = await addWorker(fixture);
      const { epoch } = await claimOne(fixture, workerId);
      const attempt = { jobId: running, epoch, workerId };
      await fixture.store.jobs.requestCancel(fixture.tenantId, running);
      expect(await state(running)).toBe("canceling");
      expect(await fixture.store.attempts.heartbeat([attempt], 30_000)).toEqual(["cancel"]);
      expect(await fixture.store.attempts.confirmCanceled(attempt, end)).toBe("accepted");
      expect(await state(running)).toBe("canceled");
      expect(await fixture.store.jobs.requestCancel(fixture.tenantId, running)).toBe(true);
      expect(await fixture.store.jobs.requestCancel(fixture.tenantId, randomUUID())).toBe(false);
    });

    it("does not confirm a cancel that nobody asked for", async () => {
      const jobId = await submit();
      const workerId = await addWorker(fixture);
      const { epoch } = await claimOne(fixture, workerId);
      const attempt = { jobId, epoch, workerId };
      expect(await fixture.store.attempts.confirmCanceled(attempt, end)).toBe("stale");
      expect(await fixture.store.attempts.complete(attempt, [], end)).toBe("accepted");
    });

    it("retries a transient failure three times and then fails the job", async () => {
      const jobId = await submit();
      const workerId = await addWorker(fixture);
      for (let retry = 0; retry < 4; retry++) {
        const { epoch } = await claimOne(fixture, workerId);
        expect(epoch).toBe(retry + 1);
        await fixture.store.attempts.fail({ jobId, epoch, workerId }, crash, end);
      }
      expect(await fixture.store.jobs.get(fixture.tenantId, jobId)).toMatchObject({
        state: "failed",
        failure: { code: "comfyui_crashed" },
      });
    });

    it("retries out of memory once, and only where a worker with more VRAM is ready", async () => {
      const own = await openTestStore(server.url);
      const small = await addWorker(own, 8);
      const first = newJob(own);
      await own.store.jobs.submit(first);
      const alone = await claimOne(own, small);
      await own.store.attempts.fail({ ...alone, workerId: small }, oom, end);
      expect((await own.store.jobs.get(own.tenantId, first.id))?.state).toBe("failed");
      const second = newJob(own);
      await own.store.jobs.submit(second);
      const large = await addWorker(own, 24);
      const again = await claimOne(own, small);
      expect(again.ranOutBytes).toBeNull();
      await own.store.attempts.fail({ ...again, workerId: small }, oom, end);
      expect((await own.store.jobs.get(own.tenantId, second.id))?.state).toBe("queued");
      const { rows } = await own.query<{ id: number; bytes: number }>(
        "select id::int, vram_bytes::int as bytes from job_queue",
      );
      expect(rows).toMatchObject([{ bytes: 9 }]);
      const group = {
        slots: [{ workerId: large, attemptId: randomUUID() }],
        queueIds: rows.map(({ id }) => id),
      };
      const [upward] = await own.store.attempts.claimChosen(own.deploymentId, [group], 30_000);
      expect(upward).toMatchObject({ vramBytes: 9, ranOutBytes: 8, priority: "normal" });
      await own.close();
    });

    it("sets a job aside as poison after three unannounced worker deaths", async () => {
      const own = await openTestStore(server.url);
      const job = newJob(own);
      await own.store.jobs.submit(job);
      const outcomes: string[] = [];
      for (let death = 0; death < 3; death++) {
        await claimOne(own, await addWorker(own), -1);
        outcomes.push(...(await own.store.control.reapExpiredLeases(10)).map((it) => it.outcome));
      }
      expect(outcomes).toEqual(["requeued", "requeued", "failed"]);
      expect(await own.store.jobs.get(own.tenantId, job.id)).toMatchObject({
        failure: { code: "poison" },
      });
      await own.close();
    });

    it("gives a released job back without counting it, and ten announced preemptions", async () => {
      const jobId = await submit();
      const workerId = await addWorker(fixture);
      for (let count = 0; count < 12; count++) {
        const { epoch } = await claimOne(fixture, workerId);
        await fixture.store.attempts.release({ jobId, epoch, workerId }, false);
      }
      for (let count = 0; count < 11; count++) {
        const { epoch } = await claimOne(fixture, workerId);
        await fixture.store.attempts.release({ jobId, epoch, workerId }, true);
      }
      expect(await fixture.store.jobs.get(fixture.tenantId, jobId)).toMatchObject({
        state: "failed",
        failure: { code: "preempted" },
      });
    });

    it("expires a job that nobody started before its deadline", async () => {
      const jobId = await submit({ deadlineMs: -1 });
      expect(await fixture.store.control.expireOverdueJobs(10)).toContain(jobId);
      expect(await state(jobId)).toBe("expired");
    });

    it("ends the leases of a worker that leaves", async () => {
      const own = await openTestStore(server.url);
      await own.store.jobs.submit(newJob(own));
      const workerId = await addWorker(own);
      await claimOne(own, workerId);
      expect(await own.store.control.reapExpiredLeases(10)).toEqual([]);
      await own.store.workers.markGone(workerId);
      expect(await own.store.control.reapExpiredLeases(10)).toHaveLength(1);
      await own.close();
    });

    it("shows a job to its tenant only", async () => {
      const jobId = await submit();
      const other = await fixture.store.access.ensureTenant("other");
      expect(await fixture.store.jobs.get(other.id, jobId)).toBeUndefined();
      expect(await fixture.store.jobs.requestCancel(other.id, jobId)).toBe(false);
      expect(await state(jobId)).toBe("queued");
      const labelled = await submit({ metadata: { a: "1", b: "2" } });
      const listed = await fixture.store.jobs.list({
        tenantId: fixture.tenantId,
        metadata: { b: "2" },
        limit: 10,
      });
      expect(listed.map((job) => job.id)).toEqual([labelled]);
      expect(await fixture.store.jobs.list({ tenantId: other.id, limit: 10 })).toEqual([]);
    });

    it("lets one process lead and another take over", async () => {
      const leader = await fixture.store.tryLead();
      expect(leader).toBeDefined();
      expect(await fixture.store.tryLead()).toBeUndefined();
      await leader?.release();
      const next = await fixture.store.tryLead();
      expect(next).toBeDefined();
      await next?.release();
    });
  });
}
