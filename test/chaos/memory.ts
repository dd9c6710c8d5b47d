import { setTimeout as delay } from "node:timers/promises";

import { seededRandom } from "../../src/kernel/random.ts";
import {
  gib,
  samplePicture,
  startCards,
  type CardStack,
  type SampleWish,
} from "../memory/card-stack.ts";

export interface MemoryChaosOptions {
  readonly serverUrl: string;
  readonly jobs: number;
  readonly seed: number;
  onProgress?(ended: number): void;
}

export interface MemoryReport {
  readonly jobs: number;
  readonly succeeded: number;
  /** Failed with `out_of_memory`, as jobs do that no card can hold. */
  readonly outOfMemory: number;
  /** Failed with anything else; nothing here calls for that. */
  readonly failedOtherwise: number;
  /** Without an end, or gone. */
  readonly lost: number;
  /** Attempts that ran out of memory, by the size of their card in GiB. */
  readonly outOfMemoryOn8: number;
  readonly outOfMemoryOn16: number;
  readonly outOfMemoryOn24: number;
  readonly retries: number;
  /** Attempts after the second that ran out; the budget is one retry. */
  readonly retriedTwice: number;
  /** Retries on a card with no more memory than the one that ran out. */
  readonly sideways: number;
}

const cards = [
  { name: "card8", bytes: 8 * gib, slots: 1 },
  { name: "card16", bytes: 16 * gib, slots: 1 },
  { name: "card24", bytes: 24 * gib, slots: 1 },
];
const models = {
  "tiny.st": 2 * gib,
  "small.st": 5 * gib,
  "medium.st": 9 * gib,
  "large.st": 15 * gib,
};
const atOnce = 24;
const limitMs = 1_800_000;

/**
 * Runs jobs of all sizes on cards of three sizes. What a job works with is drawn at random and told
 * to nobody, so that many run out of memory; no two are of one kind, so that nothing learned of one
 * spares the next.
 */
export async function runMemoryChaos(options: MemoryChaosOptions): Promise<MemoryReport> {
  const stack = await startCards(options.serverUrl, { cards, models });
  try {
    await submitAll(stack, options);
    await untilEnded(stack, options);
    return await reportOf(stack, options.jobs);
  } finally {
    await stack.close();
  }
}

async function submitAll({ api }: CardStack, { jobs, seed }: MemoryChaosOptions): Promise<void> {
  const random = seededRandom(seed);
  const wishes = Array.from({ length: jobs }, (_, at) => drawWish(random, at));
  for (let at = 0; at < jobs; at += atOnce) {
    await Promise.all(wishes.slice(at, at + atOnce).map((wish) => api.submit(samplePicture(wish))));
  }
}

function drawWish(random: () => number, at: number): SampleWish {
  const names = Object.keys(models);
  const model = names[Math.floor(random() * names.length)] ?? "tiny.st";
  // Most work with little, some with far more than anybody would reckon with.
  const workingMib = Math.floor(random() ** 3 * 14_000);
  return { model, seed: at, workingMib, steps: 1, stepMs: 5 };
}

async function untilEnded({ fixture }: CardStack, options: MemoryChaosOptions): Promise<void> {
  const startedMs = performance.now();
  while (performance.now() - startedMs < limitMs) {
    const { rows } = await fixture.query<{ ended: number }>(
      "select count(*)::int as ended from job where ended_at is not null",
    );
    const ended = rows[0]?.ended ?? 0;
    options.onProgress?.(ended);
    if (ended >= options.jobs) return;
    await delay(250);
  }
}

interface TriedRow {
  readonly jobId: string;
  readonly state: string;
  readonly code: string | null;
  readonly failureClass: string | null;
  readonly cardBytes: number;
}

/** Everything from the tables: what each job came to, and where each attempt of it ran. */
async function reportOf({ fixture }: CardStack, jobs: number): Promise<MemoryReport> {
  const { rows } = await fixture.query<TriedRow>(
    `select j.id as "jobId", j.state, j.failure ->> 'code' as code,
       a.failure_class as "failureClass", w.vram_bytes::float8 as "cardBytes"
     from job j left join attempt a on a.job_id = j.id left join worker w on w.id = a.worker_id
     order by j.id, a.epoch`,
  );
  const byJob = Map.groupBy(rows, ({ jobId }) => jobId);
  const ends = [...byJob.values()].flatMap(([first]) => first ?? []);
  const retries = [...byJob.values()].map(retriesOf);
  const count = (test: (row: TriedRow) => boolean): number => rows.filter(test).length;
  const ranOutOn = (gibibytes: number): number =>
    count((row) => row.failureClass === "out_of_memory" && row.cardBytes === gibibytes * gib);
  const succeeded = ends.filter(({ state }) => state === "succeeded").length;
  const failed = ends.filter(({ state }) => state === "failed");
  const outOfMemory = failed.filter(({ code }) => code === "out_of_memory").length;
  return {
    jobs,
    succeeded,
    outOfMemory,
    failedOtherwise: failed.length - outOfMemory,
    lost: jobs - succeeded - failed.length,
    outOfMemoryOn8: ranOutOn(8),
    outOfMemoryOn16: ranOutOn(16),
    outOfMemoryOn24: ranOutOn(24),
    retries: retries.reduce((sum, { count: each }) => sum + each, 0),
    retriedTwice: retries.filter(({ count: each }) => each > 1).length,
    sideways: retries.reduce((sum, { sideways }) => sum + sideways, 0),
  };
}

/** The attempts of one job that followed on one that ran out of memory. */
function retriesOf(attempts: readonly TriedRow[]): { count: number; sideways: number } {
  let largestBytes = 0;
  let [count, sideways] = [0, 0];
  for (const { failureClass, cardBytes } of attempts) {
    if (largestBytes > 0) count++;
    if (largestBytes > 0 && cardBytes <= largestBytes) sideways++;
    if (failureClass === "out_of_memory") largestBytes = Math.max(largestBytes, cardBytes);
  }
  return { count, sideways };
}
