import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import { HearthError } from "../../src/kernel/errors.ts";
import type { AttemptRef, Claim, NewOutput } from "../../src/store/attempts.ts";
import type { Store } from "../../src/store/store.ts";
import { addWorker, newJob, type TestStore } from "../store.ts";
import { seededRandom } from "../../src/kernel/random.ts";

export interface FencingOptions {
  readonly jobs: number;
  readonly workers: number;
  readonly leaseMs: number;
  readonly seed: number;
  /** Called this many times, spread over the run; stops the database at once and starts it again. */
  readonly restarts: number;
  restartDatabase(): Promise<void>;
  onProgress?(ended: number): void;
}

export interface FencingReport {
  readonly jobs: number;
  readonly succeeded: number;
  /** Set aside after three deaths, as the retry budget says. */
  readonly poisoned: number;
  readonly lost: number;
  readonly doubled: number;
  readonly staleAccepted: number;
  readonly staleRefused: number;
  readonly deaths: number;
  readonly zombies: number;
  readonly duplicates: number;
  readonly restarts: number;
  readonly seconds: number;
}

interface Tally {
  staleRefused: number;
  deaths: number;
  zombies: number;
  duplicates: number;
  restarts: number;
  /** Epochs whose completion was answered "accepted", by job. */
  readonly accepted: Map<string, Set<number>>;
}

/**
 * Workers that die silently (5 %), outlive their lease (10 %) or report twice (5 %) finish a queue
 * while the database is stopped under them; then the books are read.
 */
export async function runFencing(
  fixture: TestStore,
  options: FencingOptions,
): Promise<FencingReport> {
  const startedAt = performance.now();
  const tally: Tally = {
    staleRefused: 0,
    deaths: 0,
    zombies: 0,
    duplicates: 0,
    restarts: 0,
    accepted: new Map(),
  };
  const jobs = Array.from({ length: options.jobs }, () => newJob(fixture));
  for (let at = 0; at < jobs.length; at += 200) {
    await Promise.all(jobs.slice(at, at + 200).map((job) => fixture.store.jobs.submit(job)));
  }
  const run = new AbortController();
  const reaper = reap(fixture.store, run.signal);
  const zombies: Promise<void>[] = [];
  const workers = Array.from({ length: options.workers }, (_, index) =>
    work(fixture, options, tally, zombies, seededRandom(options.seed + index), run.signal),
  );
  await watch(fixture, options, tally);
  run.abort();
  await Promise.all([...workers, reaper]);
  await Promise.all(zombies);
  const seconds = (performance.now() - startedAt) / 1000;
  return { ...(await audit(fixture, jobs, tally)), seconds };
}

async function work(
  fixture: TestStore,
  options: FencingOptions,
  tally: Tally,
  zombies: Promise<void>[],
  random: () => number,
  signal: AbortSignal,
): Promise<void> {
  let workerId = await addWorker(fixture);
  while (!signal.aborted) {
    // A claim whose answer was lost may have been carried out, so each try has an id of its own.
    const [claim] = await settled(() => {
      const slots = [{ workerId, attemptId: randomUUID() }];
      return fixture.store.attempts.claim(fixture.deploymentId, slots, options.leaseMs);
    });
    if (claim === undefined) {
      await delay(5);
      continue;
    }
    const fate = random();
    if (fate < 0.05) {
      tally.deaths++;
      workerId = await settled(() => addWorker(fixture));
    } else if (fate < 0.15) {
      tally.zombies++;
      zombies.push(outlive(fixture, claim, options.leaseMs * (1 + 3 * random()), tally));
      workerId = await settled(() => addWorker(fixture));
    } else {
      await finish(fixture, claim, tally);
      if (fate < 0.2) {
        tally.duplicates++;
        await finish(fixture, claim, tally);
      }
    }
  }
}

async function outlive(
  fixture: TestStore,
  claim: Claim,
  forMs: number,
  tally: Tally,
): Promise<void> {
  await delay(forMs);
  await finish(fixture, claim, tally);
}

async function finish(fixture: TestStore, claim: Claim, tally: Tally): Promise<void> {
  const { jobId, epoch, workerId } = claim;
  const attempt: AttemptRef = { jobId, epoch, workerId };
  const end = { log: null, timings: {} };
  const answer = await settled(() =>
    fixture.store.attempts.complete(attempt, [outputOf(attempt)], end),
  );
  if (answer === "stale") tally.staleRefused++;
  else tally.accepted.set(jobId, (tally.accepted.get(jobId) ?? new Set()).add(epoch));
}

function outputOf(attempt: AttemptRef): NewOutput {
  const hash = randomUUID().replaceAll("-", "").repeat(2);
  return {
    assetId: randomUUID(),
    nodeId: "9",
    name: `${attempt.epoch}-${attempt.workerId}.png`,
    type: "image",
    contentType: "image/png",
    hash: `blake3:${hash}`,
    sizeBytes: 1,
    key: `jobs/${attempt.jobId}/${attempt.epoch}/${hash}`,
  };
}

/** Repeats a call until the database has answered it, as every real caller does. */
async function settled<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 0; tries < 600; tries++) {
    try {
      return await call();
    } catch (thrown) {
      if (!(thrown instanceof HearthError) || thrown.code !== "database_unavailable") throw thrown;
      await delay(50);
    }
  }
  throw new Error("the database stayed away for 30 s");
}

async function reap(store: Store, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await settled(() => store.control.reapExpiredLeases(200));
    await delay(50);
  }
}

async function watch(fixture: TestStore, options: FencingOptions, tally: Tally): Promise<void> {
  for (;;) {
    const ended = await settled(() => countEnded(fixture));
    options.onProgress?.(ended);
    if (ended >= options.jobs) return;
    if (ended >= ((tally.restarts + 1) * options.jobs) / (options.restarts + 1)) {
      tally.restarts++;
      await options.restartDatabase();
    }
    await delay(20);
  }
}

async function countEnded(fixture: TestStore): Promise<number> {
  try {
    const { rows } = await fixture.query<{ count: number }>(
      "select count(*)::int as count from job where ended_at is not null",
    );
    return rows[0]?.count ?? 0;
  } catch (cause) {
    throw new HearthError("database_unavailable", { cause });
  }
}

interface Book {
  readonly id: string;
  readonly state: string;
  readonly epoch: number;
  readonly code: string | null;
  readonly outputs: number;
  readonly foreignOutputs: number;
  readonly events: number;
}

async function audit(
  fixture: TestStore,
  jobs: readonly { readonly id: string }[],
  tally: Tally,
): Promise<Omit<FencingReport, "seconds">> {
  const { rows } = await fixture.query<Book>(
    `select j.id, j.state, j.epoch, j.failure->>'code' as code,
       (select count(*)::int from output o where o.job_id = j.id) as outputs,
       (select count(*)::int from output o where o.job_id = j.id and o.epoch <> j.epoch)
         as "foreignOutputs",
       (select count(*)::int from outbox x where x.job_id = j.id) as events
     from job j`,
  );
  const books = new Map(rows.map((row) => [row.id, row]));
  const succeeded = rows.filter((row) => row.state === "succeeded");
  const poisoned = rows.filter((row) => row.code === "poison");
  const doubled = rows.filter(
    (row) => row.events !== 1 || row.outputs > 1 || (tally.accepted.get(row.id)?.size ?? 0) > 1,
  );
  const staleAccepted = [...tally.accepted].filter(([id, epochs]) => {
    const book = books.get(id);
    return book === undefined || book.state !== "succeeded" || !epochs.has(book.epoch);
  });
  return {
    jobs: jobs.length,
    succeeded: succeeded.length,
    poisoned: poisoned.length,
    lost: jobs.length - succeeded.length - poisoned.length,
    doubled: doubled.length,
    staleAccepted: staleAccepted.length + rows.filter((row) => row.foreignOutputs > 0).length,
    staleRefused: tally.staleRefused,
    deaths: tally.deaths,
    zombies: tally.zombies,
    duplicates: tally.duplicates,
    restarts: tally.restarts,
  };
}
