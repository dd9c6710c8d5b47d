import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { median, quantile } from "../queue/measure.ts";
import type { Client } from "./client.ts";
import { openDirect } from "./direct.ts";
import { openHearthClient } from "./hearth.ts";
import { findFreePort } from "../../src/store/embedded/readiness.ts";
import { engineUrlOf, startHearth, stop, waitUntil } from "./processes.ts";
import { sampler, smallPicture, type Workload } from "./workload.ts";

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    jobs: { type: "string", default: "400" },
    rounds: { type: "string", default: "3" },
    clients: { type: "string", default: "8" },
    "step-ms": { type: "string", default: "10" },
    json: { type: "boolean", default: false },
  },
});
const jobs = Number(values.jobs);
const clients = Number(values.clients);
let unique = Math.floor(Math.random() * 1_000_000);

const folder = await mkdtemp(join(tmpdir(), "hearth-bench-"));
const dataFolder = join(folder, "data");
const port = await findFreePort();
const target = values.url === undefined ? [] : ["--comfyui-url", values.url];
const hearth = startHearth(["up", ...target, "--data", dataFolder, "--port", String(port)]);
const baseUrl = `http://127.0.0.1:${port}`;
try {
  await waitUntil(async () => (await fetch(`${baseUrl}/health`)).ok);
  const through = openHearthClient(baseUrl);
  await through.run(smallPicture.make(unique++));
  const comfyuiUrl = values.url ?? (await engineUrlOf(dataFolder));
  if (comfyuiUrl === undefined) throw new Error("the worker's engine was not found");
  const direct = await openDirect(comfyuiUrl);
  const workloads = [smallPicture];
  if (values.url === undefined) workloads.push(sampler(20, Number(values["step-ms"])));
  const report = [];
  for (const workload of workloads) report.push(await measure(workload, direct, through));
  print(report);
  await direct.close();
} finally {
  await stop(hearth);
  await rm(folder, { recursive: true, force: true });
}

interface Report {
  readonly workload: string;
  readonly directP50Ms: number;
  readonly directP95Ms: number;
  readonly hearthP50Ms: number;
  readonly hearthP95Ms: number;
  readonly addedP50Ms: number;
  readonly directPerSecond: number;
  readonly hearthPerSecond: number;
  /** Of the direct throughput with all clients at once. */
  readonly throughputShare: number;
}

async function measure(workload: Workload, direct: Client, through: Client): Promise<Report> {
  const count = workload === smallPicture ? jobs : Math.ceil(jobs / 4);
  const directMs: number[] = [];
  const hearthMs: number[] = [];
  for (let at = 0; at < count; at++) {
    directMs.push(await timed(direct, workload));
    hearthMs.push(await timed(through, workload));
  }
  const [directRates, hearthRates]: [number[], number[]] = [[], []];
  for (let round = 0; round < Number(values.rounds); round++) {
    directRates.push(await throughput(direct, workload, count));
    hearthRates.push(await throughput(through, workload, count));
  }
  const [directSorted, hearthSorted] = [directMs, hearthMs].map((list) =>
    list.toSorted((left, right) => left - right),
  ) as [number[], number[]];
  return {
    workload: workload.name,
    directP50Ms: round1(quantile(directSorted, 0.5)),
    directP95Ms: round1(quantile(directSorted, 0.95)),
    hearthP50Ms: round1(quantile(hearthSorted, 0.5)),
    hearthP95Ms: round1(quantile(hearthSorted, 0.95)),
    addedP50Ms: round1(quantile(hearthSorted, 0.5) - quantile(directSorted, 0.5)),
    directPerSecond: round1(median(directRates)),
    hearthPerSecond: round1(median(hearthRates)),
    throughputShare: Math.round((median(hearthRates) / median(directRates)) * 1000) / 1000,
  };
}

async function timed(client: Client, workload: Workload): Promise<number> {
  const startedAt = performance.now();
  if ((await client.run(workload.make(unique++))) === 0) throw new Error("an empty output");
  return performance.now() - startedAt;
}

async function throughput(client: Client, workload: Workload, count: number): Promise<number> {
  let started = 0;
  const startedAt = performance.now();
  const worker = async (): Promise<void> => {
    while (started++ < count) await client.run(workload.make(unique++));
  };
  await Promise.all(Array.from({ length: clients }, worker));
  return count / ((performance.now() - startedAt) / 1000);
}

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}

function print(report: readonly Report[]): void {
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else console.table(Object.fromEntries(report.map(({ workload, ...row }) => [workload, row])));
}
