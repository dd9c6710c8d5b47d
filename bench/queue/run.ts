import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { startEmbeddedPostgres } from "../../src/store/embedded/server.ts";
import { openGraphileWorker } from "./graphile-worker.ts";
import { openHearth } from "./hearth.ts";
import { measureClaims, median, type ClaimFigures } from "./measure.ts";
import { openPgBoss } from "./pg-boss.ts";
import type { QueueSubject } from "./subject.ts";

const { values } = parseArgs({
  options: {
    levels: { type: "string", default: "0,10000,1000000" },
    rounds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
  },
});
const levels = values.levels.split(",").map(Number);
const rounds = Number(values.rounds);
const one = { claims: 1_500, batch: 1, callers: 8 };
const batched = { claims: 10_000, batch: 50, callers: 4 };

interface Row {
  readonly system: string;
  readonly queued: number;
  readonly mode: "one by one" | "batches of 50";
  readonly claimsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const dataDir = await mkdtemp(join(tmpdir(), "hearth-bench-queue-"));
const server = await startEmbeddedPostgres({ dataDir });
try {
  const url = server.connectionString;
  const subjects = [await openHearth(url), await openGraphileWorker(url), await openPgBoss(url)];
  const rows: Row[] = [];
  let queued = 0;
  for (const level of levels) {
    for (const subject of subjects) await subject.fill(level - queued);
    queued = level;
    rows.push(...(await measureLevel(subjects, level)));
  }
  print(rows);
  for (const subject of subjects) await subject.close();
} finally {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
}

/** Interleaves the systems round by round, so that a busy machine disturbs them alike. */
async function measureLevel(subjects: readonly QueueSubject[], level: number): Promise<Row[]> {
  const figures = new Map<string, ClaimFigures[]>();
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) {
      for (const [mode, plan] of [
        ["one by one", one],
        ["batches of 50", batched],
      ] as const) {
        process.stderr.write(`${level} queued, round ${round + 1}: ${subject.name}, ${mode}\n`);
        await subject.fill(plan.claims);
        const key = `${subject.name}|${mode}`;
        figures.set(key, [...(figures.get(key) ?? []), await measureClaims(subject, plan)]);
      }
    }
  }
  return [...figures].map(([key, list]) => {
    const [system, mode] = key.split("|") as [string, Row["mode"]];
    const middle = (field: keyof ClaimFigures): number => median(list.map((each) => each[field]));
    return {
      system,
      queued: level,
      mode,
      claimsPerSecond: Math.round(middle("claimsPerSecond")),
      p50Ms: round2(middle("p50Ms")),
      p99Ms: round2(middle("p99Ms")),
    };
  });
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}

function print(rows: readonly Row[]): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify(rows)}\n`);
    return;
  }
  console.table(rows);
  for (const mode of ["one by one", "batches of 50"] as const) {
    const rates = rows
      .filter((row) => row.system === "hearth" && row.mode === mode)
      .map((row) => row.claimsPerSecond);
    const spread = Math.max(...rates) / Math.min(...rates);
    console.log(`hearth, ${mode}: fastest level / slowest level = ${spread.toFixed(2)}`);
  }
}
