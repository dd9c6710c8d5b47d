import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { Client } from "pg";

import { startEmbeddedPostgres } from "../../src/store/embedded/server.ts";
import { modelSetId } from "../../src/workflow/model-ref.ts";
import { addWorker, openTestStore, type TestStore } from "../../test/store.ts";
import { quantile } from "./measure.ts";
import type { GatewayFigures, GatewayPlan } from "./scheduled-gateway.ts";

const { values } = parseArgs({
  options: {
    queued: { type: "string", default: "1000000" },
    claims: { type: "string", default: "20000" },
    batch: { type: "string", default: "8" },
    json: { type: "boolean", default: false },
  },
});
const queued = Number(values.queued);
const claims = Number(values.claims);
const batch = Number(values.batch);
const gateways = 4;
const workersEach = 16;
const modelSets = 50;
const setsEach = 2;
const fillChunk = 50_000;
/** Jobs end at some time; without that each worker would hold thousands of leases. */
const endLeasesMs = 500;

interface Row {
  readonly horizon: "free" | "pinned";
  readonly claimsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly deadRows: number;
}

/** Jobs of the sets $4, in order of time. */
const fillText = `
  with new_job as (
    insert into job (id, tenant_id, deployment_id, priority, v, v_cold, start_tag, deadline_at,
      expires_at, retention_ms, model_set, vram_bytes, vram_class, estimate_ms, overdue_from)
    select gen_random_uuid(), $1, $2, 'normal', tag + 35, tag + 79, tag,
      clock_timestamp() + interval '1 day', clock_timestamp() + interval '8 days', 604800000,
      ($4::int[])[1 + floor(random() * cardinality($4::int[]))::int], 9e9, 1, 20000, tag + 86400
    from generate_series(1, $3::int) n,
      lateral (select extract(epoch from clock_timestamp()) + n * 1e-6 as tag) t
    returning *
  ), new_payload as (
    insert into job_payload (job_id, workflow)
    select id, '{"1":{"class_type":"EmptyImage","inputs":{"width":512,"height":512}}}' from new_job
  )
  insert into job_queue (id, job_id, pool, tenant, v, v_cold, model_set, vram_bytes, vram_class,
    estimate_ms, overdue_from)
  select seq, id, deployment_id, tenant_id, v, v_cold, model_set, vram_bytes, vram_class,
    estimate_ms, overdue_from
  from new_job`;

const dataDir = await mkdtemp(join(tmpdir(), "hearth-bench-scheduled-"));
const server = await startEmbeddedPostgres({ dataDir });
try {
  const fixture = await openTestStore(server.connectionString);
  const workers = await makeWorkers(fixture);
  await fill(fixture);
  await measure(fixture, workers, Math.ceil(claims / 10));
  const free = await measure(fixture, workers, claims);
  const pin = new Client({ connectionString: fixture.url });
  await pin.connect();
  await pin.query("set idle_in_transaction_session_timeout = 0");
  await pin.query("begin isolation level repeatable read");
  await pin.query("select count(*) from deployment");
  await measure(fixture, workers, claims);
  const pinned = await measure(fixture, workers, claims);
  await pin.query("rollback");
  await pin.end();
  print([
    { horizon: "free", deadRows: 0, ...free },
    { horizon: "pinned", deadRows: claims, ...pinned },
  ]);
  await fixture.close();
} finally {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
}

/** Every worker holds two of the sets; each set is held by two or three workers. */
async function makeWorkers(fixture: TestStore): Promise<readonly string[]> {
  const workers: string[] = [];
  for (let index = 0; index < gateways * workersEach; index++) {
    const workerId = await addWorker(fixture, 24e9);
    const residents = Array.from({ length: setsEach }, (_, at) => ({
      model: keyOf((index * setsEach + at) % modelSets),
      bytes: 7e9,
      tier: "vram" as const,
      pinned: false,
    }));
    await fixture.store.workers.reportResidents(workerId, residents);
    workers.push(workerId);
  }
  return workers;
}

function keyOf(set: number): string {
  return `checkpoints/model-${set}.safetensors`;
}

async function fill(fixture: TestStore): Promise<void> {
  const ids: number[] = [];
  for (let set = 0; set < modelSets; set++) {
    const keys = [keyOf(set)];
    ids.push(await fixture.store.queue.internModelSet(modelSetId(keys), keys));
  }
  const { tenantId, deploymentId } = fixture;
  for (let left = queued; left > 0; left -= fillChunk) {
    process.stderr.write(`${queued - left} of ${queued} queued\n`);
    await fixture.query(fillText, [tenantId, deploymentId, Math.min(left, fillChunk), ids]);
  }
  await fixture.query("vacuum analyze");
}

async function measure(
  fixture: TestStore,
  workers: readonly string[],
  total: number,
): Promise<Pick<Row, "claimsPerSecond" | "p50Ms" | "p99Ms">> {
  const ending = setInterval(() => void fixture.query("delete from job_lease"), endLeasesMs);
  const script = new URL("scheduled-gateway.ts", import.meta.url);
  const children = Array.from({ length: gateways }, () => fork(script));
  await Promise.all(children.map((child) => once(child, "message")));
  const startedAt = performance.now();
  const figures = await Promise.all(
    children.map(async (child, index) => {
      const plan: GatewayPlan = {
        url: fixture.url,
        deploymentId: fixture.deploymentId,
        workerIds: workers.slice(index * workersEach, (index + 1) * workersEach),
        claims: Math.ceil(total / gateways),
        batch,
      };
      const answer = once(child, "message");
      child.send(plan);
      const [told] = (await answer) as [GatewayFigures];
      return { told, endedAt: performance.now() };
    }),
  );
  clearInterval(ending);
  const claimed = figures.reduce((sum, each) => sum + each.told.claimed, 0);
  if (claimed < total) throw new Error(`${claimed} of ${total} jobs were claimed`);
  const seconds = (Math.max(...figures.map((each) => each.endedAt)) - startedAt) / 1000;
  const callMs = figures
    .flatMap((each) => each.told.callMs)
    .toSorted((left, right) => left - right);
  process.stderr.write(`${claimed} claimed in ${seconds.toFixed(1)} s\n`);
  return {
    claimsPerSecond: Math.round(claimed / seconds),
    p50Ms: Math.round(quantile(callMs, 0.5) * 100) / 100,
    p99Ms: Math.round(quantile(callMs, 0.99) * 100) / 100,
  };
}

function print(rows: readonly Row[]): void {
  if (values.json) process.stdout.write(`${JSON.stringify(rows)}\n`);
  else console.table(rows);
}
