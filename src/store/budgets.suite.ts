import { randomUUID } from "node:crypto";

import { beforeEach, afterEach, describe, expect, it } from "vitest";

import { addWorker, claimOne, newJob, openTestStore, type TestStore } from "../../test/store.ts";
import type { BudgetRecord, NewBudget } from "./budgets.ts";
import type { NewJob } from "./jobs.ts";

const end = { log: null, timings: {} };

/** The contract of budgets, run against a server. */
export function describeBudgets(server: { readonly name: string; readonly url: string }): void {
  describe(`budgets on ${server.name}`, () => {
    let fixture: TestStore;
    beforeEach(async () => {
      fixture = await openTestStore(server.url);
    });
    afterEach(() => fixture.close());

    const setBudget = (change: Partial<NewBudget> = {}): Promise<BudgetRecord> =>
      fixture.store.budgets.set({
        owner: { kind: "tenant", tenantId: fixture.tenantId },
        period: "month",
        capMicroUsd: 1_000_000,
        reserveMicroUsd: 400_000,
        alertPercents: [50, 100],
        ...change,
      });
    const submit = async (change: Partial<NewJob> = {}): Promise<string> => {
      const job = newJob(fixture, change);
      await fixture.store.jobs.submit(job);
      return job.id;
    };
    const standing = async (): Promise<readonly [reserved: number, spent: number]> => {
      const [budget] = await fixture.store.budgets.list();
      return [budget?.reservedMicroUsd ?? -1, budget?.spentMicroUsd ?? -1];
    };
    /** Runs the next job for an hour's worth of `microUsd`. */
    const run = async (hours: number): Promise<string> => {
      const workerId = await addWorker(fixture);
      const claim = await claimOne(fixture, workerId);
      await fixture.query(
        "update attempt set claimed_at = claimed_at - make_interval(secs => $2) where job_id = $1",
        [claim.jobId, hours * 3_600],
      );
      const attempt = { jobId: claim.jobId, epoch: claim.epoch, workerId };
      expect(await fixture.store.attempts.complete(attempt, [], end)).toBe("accepted");
      return claim.jobId;
    };

    it("take what fits and refuse the rest, with the numbers that decide", async () => {
      await setBudget();
      await submit();
      await submit();
      await expect(submit()).rejects.toMatchObject({
        code: "insufficient_credits",
        httpStatus: 402,
        message: "The budget of this month has $0.20 left of $1.00; this job sets $0.40 aside.",
        details: { capMicroUsd: 1_000_000, reservedMicroUsd: 800_000, jobMicroUsd: 400_000 },
      });
      expect(await standing()).toEqual([800_000, 0]);
    });

    it("let exactly one of 1,000 concurrent submits through where there is room for one", async () => {
      await setBudget({ capMicroUsd: 10_000_000 });
      for (let count = 0; count < 24; count++) await submit();
      const outcomes = await Promise.allSettled(Array.from({ length: 1_000 }, () => submit()));
      const refused = outcomes.filter(({ status }) => status === "rejected");
      expect(refused).toHaveLength(999);
      for (const each of refused) {
        expect(each).toMatchObject({ reason: { code: "insufficient_credits" } });
      }
      expect(await standing()).toEqual([10_000_000, 0]);
      const { rows } = await fixture.query("select from job_queue");
      expect(rows).toHaveLength(25);
    }, 60_000);

    it("leave the idempotency key of a refused submit free", async () => {
      await setBudget({ capMicroUsd: 100 });
      await expect(submit({ idempotencyKey: "k" })).rejects.toMatchObject({ httpStatus: 402 });
      await setBudget();
      await expect(submit({ idempotencyKey: "k" })).resolves.toBeDefined();
    });

    it("set nothing aside for a submit whose key was used before", async () => {
      await setBudget();
      await submit({ idempotencyKey: "k" });
      await submit({ idempotencyKey: "k" });
      expect(await standing()).toEqual([400_000, 0]);
    });

    it("settle what the attempts cost at the price of their workers", async () => {
      await setBudget();
      await fixture.store.budgets.setDeploymentPrice(fixture.deploymentId, 1_116_000);
      await submit();
      await run(0.25);
      const [reserved, spent] = await standing();
      expect(reserved).toBe(0);
      expect(spent).toBeGreaterThanOrEqual(279_000);
      expect(spent).toBeLessThan(280_000);
    });

    it("prefer the price of the instance, and count every attempt of a job", async () => {
      await setBudget();
      await fixture.store.budgets.setDeploymentPrice(fixture.deploymentId, 9_000_000);
      const jobId = await submit();
      const instanceId = randomUUID();
      const { deploymentId } = fixture;
      await fixture.store.control.createInstance({ id: instanceId, deploymentId, platform: "p" });
      await fixture.store.budgets.setInstancePrice(instanceId, 1_000_000);
      for (const isLast of [false, true]) {
        const workerId = await addWorker(fixture);
        await fixture.query("update worker set instance_id = $2 where id = $1", [
          workerId,
          instanceId,
        ]);
        const { epoch } = await claimOne(fixture, workerId);
        await fixture.query(
          "update attempt set claimed_at = claimed_at - interval '6 minutes' where epoch = $1",
          [epoch],
        );
        const attempt = { jobId, epoch, workerId };
        if (isLast) await fixture.store.attempts.complete(attempt, [], end);
        else await fixture.store.attempts.release(attempt, true);
      }
      const [, spent] = await standing();
      expect(spent).toBeGreaterThanOrEqual(200_000);
      expect(spent).toBeLessThan(202_000);
    });

    it.each([
      ["a cancel", (jobId: string) => fixture.store.jobs.requestCancel(fixture.tenantId, jobId)],
      [
        "an expiry",
        async (jobId: string) => {
          await fixture.query("update job set deadline_at = submitted_at where id = $1", [jobId]);
          await fixture.store.control.expireOverdueJobs(10);
        },
      ],
    ])("give back everything on %s of a queued job", async (_name, endIt) => {
      await setBudget();
      const jobId = await submit();
      await endIt(jobId);
      expect(await standing()).toEqual([0, 0]);
    });

    it("keep the money of a job that is tried again, and give it back when it fails", async () => {
      await setBudget();
      const jobId = await submit();
      const workerId = await addWorker(fixture);
      const failure = { code: "x", message: "x", nodeId: null, classType: null, traceback: null };
      const { epoch } = await claimOne(fixture, workerId);
      const fail = (failureClass: "transient" | "user", at: number): Promise<unknown> =>
        fixture.store.attempts.fail({ jobId, epoch: at, workerId }, { failureClass, failure }, end);
      await fail("transient", epoch);
      expect(await standing()).toEqual([400_000, 0]);
      const second = await claimOne(fixture, workerId);
      await fail("user", second.epoch);
      expect(await standing()).toEqual([0, 0]);
    });

    it("hold tenant and deployment at once: a refusal by one takes nothing from the other", async () => {
      await setBudget();
      const { deploymentId } = fixture;
      await setBudget({ owner: { kind: "deployment", deploymentId }, capMicroUsd: 500_000 });
      await submit();
      await expect(submit()).rejects.toMatchObject({ code: "insufficient_credits" });
      const budgets = await fixture.store.budgets.list();
      expect(budgets.map((budget) => [budget.tenant, budget.deployment])).toEqual([
        ["default", null],
        [null, "default"],
      ]);
      expect(budgets.map(({ reservedMicroUsd }) => reservedMicroUsd)).toEqual([400_000, 400_000]);
    });

    it("are locked in one order, however submits and ends meet, and balance in the end", async () => {
      const { deploymentId } = fixture;
      await setBudget({ capMicroUsd: 100_000_000 });
      await setBudget({ owner: { kind: "deployment", deploymentId }, capMicroUsd: 100_000_000 });
      const first = await Promise.all(Array.from({ length: 40 }, () => submit()));
      const cancel = (jobId: string): Promise<boolean> =>
        fixture.store.jobs.requestCancel(fixture.tenantId, jobId);
      const meeting = first.flatMap((jobId) => [cancel(jobId), submit().then(cancel)]);
      expect(await Promise.all(meeting)).toEqual(meeting.map(() => true));
      const budgets = await fixture.store.budgets.list();
      expect(budgets.map(({ reservedMicroUsd }) => reservedMicroUsd)).toEqual([0, 0]);
    });

    it("set the longest run aside where no amount was given", async () => {
      await setBudget({ reserveMicroUsd: null, capMicroUsd: 10_000_000 });
      await fixture.store.budgets.setDeploymentPrice(fixture.deploymentId, 1_116_000);
      await submit();
      expect(await standing()).toEqual([1_116_000, 0]);
    });

    it("begin anew with a new period, without forgetting jobs under way", async () => {
      await setBudget();
      await submit();
      await fixture.query(
        "update budget set spent_micro_usd = 600000, period_start = '2020-01-01Z'",
      );
      expect(await standing()).toEqual([400_000, 0]);
      await submit();
      expect(await standing()).toEqual([800_000, 0]);
    });

    it("raise each alert once a period, and hand it out once", async () => {
      await setBudget({ reserveMicroUsd: 1 });
      await fixture.store.budgets.setDeploymentPrice(fixture.deploymentId, 1_000_000);
      for (const hours of [0.4, 0.2, 0.1]) {
        await submit();
        await run(hours);
      }
      const alerts = await fixture.store.budgets.takeAlerts(10);
      expect(alerts).toMatchObject([{ tenant: "default", percent: 50, capMicroUsd: 1_000_000 }]);
      expect(await fixture.store.budgets.takeAlerts(10)).toEqual([]);
    });

    it("can be taken away while jobs are under way", async () => {
      await setBudget();
      await submit();
      const owner = { kind: "tenant", tenantId: fixture.tenantId } as const;
      expect(await fixture.store.budgets.remove(owner)).toBe(true);
      expect(await fixture.store.budgets.remove(owner)).toBe(false);
      await run(1);
      await expect(submit()).resolves.toBeDefined();
    });
  });
}
