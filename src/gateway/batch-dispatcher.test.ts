import { randomUUID } from "node:crypto";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { postgresServers } from "../../test/database.ts";
import { addWorker, newJob, openTestStore, type TestStore } from "../../test/store.ts";
import { createLogger } from "../observability/logger.ts";
import { createDispatch, type Dispatch } from "./dispatch/dispatch.ts";
import type { Dispatcher, HeldSeat } from "./dispatcher.ts";

describe("the dispatcher", () => {
  let fixture: TestStore;
  let dispatch: Dispatch;
  let dispatcher: Dispatcher;
  const never = new AbortController().signal;
  beforeAll(async () => {
    fixture = await openTestStore(postgresServers()[0]!.url);
    const logger = createLogger({ level: "silent" });
    const { store } = fixture;
    const clock = { now: Date.now };
    dispatch = createDispatch({ store, logger, clock, leaseMs: 30_000, newId: randomUUID });
    dispatcher = dispatch.dispatcher;
  });
  afterAll(async () => {
    await dispatch.close();
    await fixture.close();
  });

  const submit = async (): Promise<string> => {
    const job = newJob(fixture);
    await fixture.store.jobs.submit(job);
    fixture.store.signals.publish("queue", String(fixture.deploymentId));
    return job.id;
  };

  it("hands a job that is queued later to a worker that waits already", async () => {
    const workerId = await addWorker(fixture);
    const waiting = dispatcher.claim(fixture.deploymentId, workerId, 20_000, never);
    const jobId = await submit();
    expect(await waiting).toMatchObject({ jobId, workerId, epoch: 1 });
  });

  it("gives each of many waiting workers a job of its own", async () => {
    const workers = await Promise.all(Array.from({ length: 20 }, () => addWorker(fixture)));
    const waiting = workers.map((id) => dispatcher.claim(fixture.deploymentId, id, 20_000, never));
    const jobs = await Promise.all(Array.from({ length: 20 }, submit));
    const claims = await Promise.all(waiting);
    expect(new Set(claims.map((claim) => claim?.jobId))).toEqual(new Set(jobs));
    expect(claims.map((claim) => claim?.workerId)).toEqual(workers);
  });

  it("answers with nothing when the wait is over or the worker hangs up", async () => {
    const workerId = await addWorker(fixture);
    expect(await dispatcher.claim(fixture.deploymentId, workerId, 1, never)).toBeUndefined();
    const hangUp = new AbortController();
    const waiting = dispatcher.claim(fixture.deploymentId, workerId, 20_000, hangUp.signal);
    hangUp.abort();
    expect(await waiting).toBeUndefined();
  });

  describe("with a worker held for a job about to be recorded", () => {
    const hold = async (workerId: string, signal = never) => {
      const waiting = dispatcher.claim(fixture.deploymentId, workerId, 20_000, signal);
      let held: HeldSeat | undefined;
      await expect
        .poll(() => (held = dispatcher.hold(fixture.deploymentId))?.seat.workerId)
        .toBe(workerId);
      if (held === undefined) throw new Error("nobody was held");
      const job = newJob(fixture);
      const submitted = await fixture.store.jobs.submit(job, held.seat);
      if (submitted === "reused") throw new Error("the job was not recorded");
      const { workerId: by, attemptId } = held.seat;
      const { placement, ...asked } = job;
      const needs = { ...asked, ...placement, ranOutBytes: null };
      const claim = { ...needs, ...submitted, jobId: job.id, workerId: by, attemptId };
      return { held, waiting, claim };
    };

    it("gives it the job", async () => {
      const { held, waiting, claim } = await hold(await addWorker(fixture));
      await held.give(claim);
      expect(await waiting).toMatchObject({ jobId: claim.jobId, epoch: 1 });
    });

    it("queues the job again if the worker hung up meanwhile", async () => {
      const hangUp = new AbortController();
      const { held, waiting, claim } = await hold(await addWorker(fixture), hangUp.signal);
      hangUp.abort();
      await held.give(claim);
      expect(await waiting).toBeUndefined();
      const other = await addWorker(fixture);
      const again = await dispatcher.claim(fixture.deploymentId, other, 20_000, never);
      expect(again).toMatchObject({ jobId: claim.jobId, epoch: 2 });
    });

    it("lets it wait on where the job went another way", async () => {
      const workerId = await addWorker(fixture);
      const waiting = dispatcher.claim(fixture.deploymentId, workerId, 20_000, never);
      await expect
        .poll(() => {
          const held = dispatcher.hold(fixture.deploymentId);
          held?.letGo();
          return held?.seat.workerId;
        })
        .toBe(workerId);
      const jobId = await submit();
      expect(await waiting).toMatchObject({ jobId, workerId });
    });
  });

  it("queues a job again at once that was claimed for a worker that hung up", async () => {
    const [gone, present] = [await addWorker(fixture), await addWorker(fixture)];
    await submit();
    const hangUp = new AbortController();
    const lost = dispatcher.claim(fixture.deploymentId, gone, 20_000, hangUp.signal);
    hangUp.abort();
    expect(await lost).toBeUndefined();
    const claim = await dispatcher.claim(fixture.deploymentId, present, 20_000, never);
    expect(claim?.workerId).toBe(present);
  });
});
