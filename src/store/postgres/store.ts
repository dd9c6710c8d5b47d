import { randomUUID } from "node:crypto";

import type { Store } from "../store.ts";
import { PostgresAccess } from "./access.ts";
import { PostgresAssets } from "./assets.ts";
import { PostgresAttempts } from "./attempts.ts";
import { PostgresBudgets } from "./budgets.ts";
import { PostgresControl } from "./control.ts";
import { Database } from "./database.ts";
import { PostgresDecisions } from "./decisions.ts";
import { PostgresEstimates } from "./estimates.ts";
import { PostgresFootprints } from "./footprints.ts";
import { PostgresJobs } from "./jobs.ts";
import { tryLead } from "./leadership.ts";
import { loadQueries, type Queries } from "./queries.ts";
import { PostgresQueue } from "./queue.ts";
import { PostgresReleases } from "./releases.ts";
import { PostgresScaling } from "./scaling.ts";
import { PostgresSignals } from "./signals.ts";
import { PostgresTenants } from "./tenants.ts";
import { PostgresUsage } from "./usage.ts";
import { PostgresWorkers } from "./workers.ts";

export interface PostgresStoreOptions {
  readonly connectionString: string;
  /** Default 10. */
  readonly maxConnections?: number;
  /** Default true; false behind a pooler that shares sessions between transactions. */
  readonly usePreparedStatements?: boolean;
  /** Default: the statements of `queries/`. */
  readonly queries?: Queries;
}

/** Opens the store on a migrated database. Errors: `database_unavailable`. */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const database = new Database({
    connectionString: options.connectionString,
    queries: options.queries ?? loadQueries(),
    usePreparedStatements: options.usePreparedStatements ?? true,
    maxConnections: options.maxConnections ?? 10,
  });
  const signals = new PostgresSignals(database, randomUUID());
  try {
    await signals.start();
  } catch (thrown) {
    await database.close();
    throw thrown;
  }
  return {
    jobs: new PostgresJobs(database),
    attempts: new PostgresAttempts(database),
    workers: new PostgresWorkers(database),
    assets: new PostgresAssets(database),
    access: new PostgresAccess(database),
    budgets: new PostgresBudgets(database),
    footprints: new PostgresFootprints(database),
    usage: new PostgresUsage(database),
    control: new PostgresControl(database),
    releases: new PostgresReleases(database),
    scaling: new PostgresScaling(database),
    queue: new PostgresQueue(database),
    estimates: new PostgresEstimates(database),
    decisions: new PostgresDecisions(database),
    tenants: new PostgresTenants(database),
    signals,
    tryLead: () => tryLead(database),
    close: async () => {
      await signals.close();
      await database.close();
    },
  };
}
