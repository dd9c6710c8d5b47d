import { randomUUID } from "node:crypto";

import { describe, expect, it } from "vitest";

import { addWorker, claimOne, newJob, openTestStore, type TestStore } from "../../test/store.ts";
import type { AttemptRef } from "./attempts.ts";
import { loadQueries, type Queries } from "./postgres/queries.ts";

const end = { log: null, timings: {} };
const failure = {
  code: "comfyui_crashed",
  message: "x",
  nodeId: null,
  classType: null,
  traceback: null,
};

/** What a worker whose job another worker has taken over may still try. */
const zombieCalls: Readonly<
  Record<string, (fixture: TestStore, zombie: AttemptRef) => Promise<string>>
> = {
  heartbeat: async (fixture, zombie) =>
    (await fixture.store.attempts.heartbeat([zombie], 600_000))[0] ?? "none",
  "heartbeat for its own later attempt": async (fixture, zombie) => {
    const own = await makeZombie(fixture, zombie.workerId);
    await fixture.store.attempts.heartbeat([own], 600_000);
    const reaped = await fixture.store.control.reapExpiredLeases(10);
    await fixture.store.jobs.requestCancel(fixture.tenantId, own.jobId);
    return reaped.some((job) => job.jobId === own.jobId) ? "stale" : "renewed";
  },
  report: (fixture, zombie) => {
    const outputs = [
      {
        assetId: randomUUID(),
        nodeId: "1",
        name: "zombie.png",
        type: "image" as const,
        contentType: "image/png",
        hash: `blake3:${"0".repeat(64)}`,
        sizeBytes: 1,
        key: `jobs/${zombie.jobId}/${zombie.epoch}/x`,
      },
    ];
    return fixture.store.attempts.report(zombie, { outputs });
  },
  verdict: (fixture, zombie) => fixture.store.attempts.verdict(zombie),
  complete: (fixture, zombie) => fixture.store.attempts.complete(zombie, [], end),
  fail: (fixture, zombie) =>
    fixture.store.attempts.fail(zombie, { failureClass: "user", failure }, end),
  "fail to be retried": (fixture, zombie) =>
    fixture.store.attempts.fail(zombie, { failureClass: "transient", failure }, end),
  release: (fixture, zombie) => fixture.store.attempts.release(zombie, false),
  "confirm a cancel": async (fixture, zombie) => {
    await fixture.store.jobs.requestCancel(fixture.tenantId, zombie.jobId);
    return fixture.store.attempts.confirmCanceled(zombie, end);
  },
};

/**
 * Lets a worker lose its job to another one; the first is then a zombie at an old epoch. With
 * `heir`, that one worker is both, and its later lease has run out unseen.
 */
async function makeZombie(fixture: TestStore, heir?: string): Promise<AttemptRef> {
  const job = newJob(fixture);
  await fixture.store.jobs.submit(job);
  const lost = heir ?? (await addWorker(fixture));
  const { epoch, jobId } = await claimOne(fixture, lost, -1);
  expect(jobId).toBe(job.id);
  await fixture.store.control.reapExpiredLeases(10);
  await claimOne(fixture, heir ?? (await addWorker(fixture)), heir === undefined ? 30_000 : -1);
  return { jobId: job.id, epoch, workerId: lost };
}

/** Each statement without its n-th epoch predicate. */
function withoutOneFence(queries: Queries): { name: string; queries: Queries }[] {
  return Object.entries(queries).flatMap(([name, text]) => {
    const lines = text.split("\n");
    const fences = lines.flatMap((line, at) => (line.includes("-- fence: epoch") ? [at] : []));
    return fences.map((at, index) => ({
      name: `${name}, fence ${index + 1}`,
      queries: { ...queries, [name]: lines.filter((_, line) => line !== at).join("\n") },
    }));
  });
}

/** What the job looks like to its owner, and which calls of the zombie were taken. */
async function tryEverything(serverUrl: string, queries?: Queries): Promise<readonly string[]> {
  const taken: string[] = [];
  const fixture = await openTestStore(serverUrl, queries);
  for (const [name, call] of Object.entries(zombieCalls)) {
    const zombie = await makeZombie(fixture);
    const before = await fixture.store.jobs.get(fixture.tenantId, zombie.jobId);
    const answer = await call(fixture, zombie);
    const after = await fixture.store.jobs.get(fixture.tenantId, zombie.jobId);
    const isCancel = name === "confirm a cancel" && after?.state === "canceling";
    // Leaves nothing queued for the next zombie to trip over.
    await fixture.store.jobs.requestCancel(fixture.tenantId, zombie.jobId);
    if (answer !== "stale" || (!isCancel && before?.state !== after?.state)) taken.push(name);
  }
  await fixture.close();
  return taken;
}

/** Removes each epoch predicate in turn and expects a zombie to get through somewhere. */
export function describeFences(server: { readonly name: string; readonly url: string }): void {
  describe(`fencing on ${server.name}`, () => {
    it("refuses every call of a worker whose job was taken over", async () => {
      expect(await tryEverything(server.url)).toEqual([]);
    });

    const mutants = withoutOneFence(loadQueries());
    it("has an epoch predicate in every statement a worker reaches", () => {
      expect(mutants.length).toBeGreaterThanOrEqual(6);
    });
    it.each(mutants)("would notice $name missing", async ({ queries }) => {
      expect(await tryEverything(server.url, queries)).not.toEqual([]);
    });
  });
}
