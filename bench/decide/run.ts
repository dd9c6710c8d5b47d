import { parseArgs } from "node:util";

import { seededRandom } from "../../src/kernel/random.ts";
import { queueKeys } from "../../src/queue/virtual-start.ts";
import { decide } from "../../src/scheduler/decide.ts";
import type { FleetView, Head, QueuedJob, WorkerView } from "../../src/scheduler/head.ts";
import { defaultPolicy } from "../../src/scheduler/policy.ts";
import { QueueIndex } from "../../src/scheduler/queue-index.ts";

const { values } = parseArgs({
  options: {
    levels: { type: "string", default: "1000,10000,100000,1000000" },
    decisions: { type: "string", default: "200000" },
    rounds: { type: "string", default: "5" },
    workers: { type: "string", default: "200" },
    json: { type: "boolean", default: false },
  },
});
const levels = values.levels.split(",").map(Number);
const decisions = Number(values.decisions);
/** Few enough that every set has jobs at the lowest level: all levels read the same heads. */
const modelSets = 48;
const residentsPerWorker = 6;
const coldProbes = 1;
const gibibyte = 1024 ** 3;
const cards = [16, 24, 48, 80].map((size) => size * gibibyte);

interface Worker {
  readonly view: WorkerView;
  readonly residents: readonly { readonly modelSet: string; readonly loadSeconds: number }[];
}

interface Level {
  readonly queued: number;
  readonly index: QueueIndex;
  readonly decisionsPerSecond: number[];
  readonly claimsPerSecond: number[];
}

const random = seededRandom(1);
const pick = (count: number): number => Math.floor(random() * count);
const workers = Array.from({ length: Number(values.workers) }, (_, at) => newWorker(at));
const fleet = fleetOf(workers);
let made = 0;
const subjects = levels.map(fill);
const rounds = Number(values.rounds);
// All decisions first: what claims leave behind for the collector is not a decision's cost.
for (let round = 0; round < rounds; round++) {
  for (const level of subjects) {
    level.decisionsPerSecond.push(rateOf((at) => decideOnly(level.index, at)));
  }
}
for (let round = 0; round < rounds; round++) {
  for (const level of subjects) {
    level.claimsPerSecond.push(rateOf((at) => decideAndClaim(level.index, at)));
  }
}
report();

/** Decisions a second of processor time. */
function rateOf(act: (at: number) => void): number {
  for (let at = 0; at < decisions / 10; at++) act(at);
  const before = process.cpuUsage();
  for (let at = 0; at < decisions; at++) act(at);
  const spent = process.cpuUsage(before);
  return (decisions * 1e6) / (spent.user + spent.system);
}

/** What a worker's question takes: read the heads, decide. */
function decideOnly(index: QueueIndex, at: number): string | undefined {
  const worker = workers[at % workers.length];
  if (worker === undefined) return undefined;
  const nowSeconds = 10_000 + at / 1000;
  const heads = headsFor(index, worker);
  const { choice } = decide(worker.view, heads, fleet, { nowSeconds, policy: defaultPolicy });
  return choice.kind === "run" ? choice.jobId : undefined;
}

/** The same, and the job leaves the queue while another one joins it. */
function decideAndClaim(index: QueueIndex, at: number): void {
  const jobId = decideOnly(index, at);
  if (jobId === undefined) return;
  index.take(jobId);
  index.add(newJob(10_000 + at / 1000));
}

function headsFor(index: QueueIndex, { view, residents }: Worker): readonly Head[] {
  const heads: Head[] = [];
  for (const { modelSet, loadSeconds } of residents) {
    for (const job of index.headsOf(modelSet)) heads.push({ job, lane: "resident", loadSeconds });
  }
  for (const job of index.coldHeads(view.vramBytes, coldProbes)) {
    heads.push({ job, lane: "cold", loadSeconds: 22 });
  }
  const overdue = index.overdueHead();
  if (overdue !== undefined) heads.push({ job: overdue, lane: "overdue", loadSeconds: 22 });
  return heads;
}

function fill(queued: number): Level {
  const index = new QueueIndex();
  for (let at = 0; at < queued; at++) index.add(newJob(random() * 10_000));
  return { queued, index, decisionsPerSecond: [], claimsPerSecond: [] };
}

function newJob(nowSeconds: number): QueuedJob {
  const set = pick(modelSets);
  const estimateSeconds = 5 + random() * 40;
  const keys = queueKeys({
    startTagSeconds: nowSeconds,
    nowSeconds,
    priority: "normal",
    estimateSeconds,
    coldLoadSeconds: 22,
    deadlineSeconds: null,
  });
  return {
    ...keys,
    jobId: String(made++),
    modelSet: `m${set}`,
    enqueuedAtSeconds: nowSeconds,
    estimateSeconds,
    vramBytes: (cards[set % cards.length] ?? gibibyte) - gibibyte,
    deadlineSeconds: null,
    isDemoted: false,
  };
}

function newWorker(at: number): Worker {
  const card = at % cards.length;
  const vramBytes = cards[card] ?? gibibyte;
  // Only sets whose jobs fit the card, spread so that together the workers hold every set.
  const fitting = Array.from({ length: modelSets }, (_, set) => set).filter(
    (set) => set % cards.length <= card,
  );
  const residents = Array.from({ length: residentsPerWorker }, (_, place) => ({
    modelSet: `m${fitting[(at + place * 7) % fitting.length]}`,
    loadSeconds: place < 2 ? 0 : 3,
  }));
  return { view: { workerId: `w${at}`, vramBytes, claims: at }, residents };
}

function fleetOf(workers: readonly Worker[]): FleetView {
  const sets = workers.flatMap(({ residents }) => residents.slice(0, 2));
  return Object.fromEntries(
    sets.map(({ modelSet }) => [
      modelSet,
      { warmWorkers: 2, warmInSeconds: 8, backlogSeconds: 30 },
    ]),
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? 0;
}

function report(): void {
  const rows = subjects.map((level) => ({
    queued: level.queued,
    decisionsPerSecond: Math.round(median(level.decisionsPerSecond)),
    claimsPerSecond: Math.round(median(level.claimsPerSecond)),
  }));
  const rates = rows.map((row) => row.decisionsPerSecond);
  const spread = Math.max(...rates) / Math.min(...rates);
  const slowest = Math.min(...rates);
  const bars = [
    { name: "decisions a second, slowest level", measured: slowest, passed: slowest >= 200_000 },
    { name: "fastest level / slowest level", measured: spread, passed: spread <= 1.5 },
  ];
  if (values.json) process.stdout.write(`${JSON.stringify({ rows, bars })}\n`);
  else {
    console.table(rows);
    for (const { name, measured, passed } of bars) {
      console.log(`${passed ? "pass" : "FAIL"}  ${name}: ${Number(measured.toFixed(2))}`);
    }
  }
  process.exitCode = bars.every((bar) => bar.passed) ? 0 : 1;
}
