import { createHash, randomUUID } from "node:crypto";

import pg from "pg";

import type { Claim } from "../src/store/attempts.ts";
import { classDelaySeconds, type JobPriority } from "../src/queue/queue-key.ts";
import type { JobPlacement, NewJob } from "../src/store/jobs.ts";
import { migrate } from "../src/store/postgres/migrate.ts";
import type { Queries } from "../src/store/postgres/queries.ts";
import { openPostgresStore } from "../src/store/postgres/store.ts";
import type { Store } from "../src/store/store.ts";
import { createTestDatabase } from "./database.ts";

export interface TestStore {
  readonly store: Store;
  readonly url: string;
  readonly tenantId: number;
  readonly deploymentId: number;
  /** Looks at the tables behind the store's back. */
  query<R extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<R>>;
  close(): Promise<void>;
}

/** A store on a fresh, migrated database with the default tenant and deployment. */
export async function openTestStore(serverUrl: string, queries?: Queries): Promise<TestStore> {
  const database = await createTestDatabase(serverUrl);
  await migrate(database.url);
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });
  pool.on("error", () => undefined);
  const store = await openPostgresStore({
    connectionString: database.url,
    ...(queries && { queries }),
  });
  const tenant = await store.access.ensureTenant("default");
  const deployment = await store.access.defaultDeployment(tenant.id);
  return {
    store,
    url: database.url,
    tenantId: tenant.id,
    deploymentId: deployment.id,
    query: (text, values) => pool.query(text, values),
    close: async () => {
      await pool.end();
      await store.close();
      await database.drop();
    },
  };
}

/** A job with sensible fields; `change` replaces some. */
export function newJob(fixture: TestStore, change: Partial<NewJob> = {}): NewJob {
  return {
    id: randomUUID(),
    tenantId: fixture.tenantId,
    deploymentId: fixture.deploymentId,
    priority: "normal",
    workflow: { "1": { class_type: "EmptyImage", inputs: {} } },
    inputs: [],
    metadata: {},
    sealedExtraData: null,
    idempotencyKey: null,
    deadlineMs: 3_600_000,
    retentionMs: 604_800_000,
    placement: placementOf(change.priority ?? "normal"),
    ...change,
  };
}

/** Where a job without models stands; `change` replaces some. */
export function placementOf(
  priority: JobPriority,
  change: Partial<JobPlacement> = {},
): JobPlacement {
  return {
    fingerprint: null,
    modelSet: 0,
    sizeClass: "",
    vramBytes: 0,
    vramClass: 0,
    estimateMs: 0,
    delaySeconds: classDelaySeconds[priority],
    coldDelaySeconds: 0,
    overdueAfterSeconds: 600,
    dueInMs: null,
    tagSeconds: null,
    ...change,
  };
}

export async function addWorker(fixture: TestStore, vramBytes = 0): Promise<string> {
  const id = randomUUID();
  const tokenHash = createHash("sha256").update(id).digest();
  await fixture.store.workers.enrollTrusted(fixture.deploymentId, { id, name: "w", tokenHash });
  await fixture.store.workers.markReady(id, {
    comfyuiVersion: "0.33.0",
    kind: "engine",
    devices: [{ name: "cpu", kind: "cpu", vramTotalBytes: vramBytes, vramFreeBytes: vramBytes }],
    nodes: { SaveImage: { isOutput: true, fileInputs: [] } },
    isWarm: false,
  });
  return id;
}

export async function claimOne(
  fixture: TestStore,
  workerId: string,
  leaseMs = 30_000,
): Promise<Claim> {
  const slots = [{ workerId, attemptId: randomUUID() }];
  const [claim] = await fixture.store.attempts.claim(fixture.deploymentId, slots, leaseMs);
  if (claim === undefined) throw new Error("there was nothing to claim");
  return claim;
}
