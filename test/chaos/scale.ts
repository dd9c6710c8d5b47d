import pg from "pg";

import { openPostgresStore } from "../../src/store/postgres/store.ts";
import type { Store } from "../../src/store/store.ts";
import { steppedPicture } from "../e2e/workflows.ts";
import { Cluster, eventually } from "./cluster.ts";

export interface ScaleReport {
  readonly jobs: number;
  readonly succeeded: number;
  /** Attempts that ended without a result of their own: lost, released or failed. */
  readonly disturbedAttempts: number;
  readonly mostWorkers: number;
  /** Instances ever recorded; more than the most at once means launched again for nothing. */
  readonly instances: number;
  /** Of those, the ones whose launch the platform answered; a killed leader may leave one without. */
  readonly launched: number;
  /** From the leader's death until another one leads; 0 where nobody was killed. */
  readonly takeoverS: number;
  readonly launchReasons: readonly string[];
  readonly drainReasons: readonly string[];
}

const most = 3;
const jobs = 24;
const settings = {
  maxWorkers: most,
  policy: { maxKeepAliveMs: 4_000, patienceShare: 0.05, scaleDownCooldownMs: 1_000 },
};
const controller = new URL("scale-controller.ts", import.meta.url);

/**
 * A burst on nothing: workers come, the jobs end, and the workers leave again. Where it is killed,
 * the leading controller dies while it scales up, and another leads.
 */
export async function runScale(killsLeader: boolean): Promise<ScaleReport> {
  const cluster = await Cluster.start(0, { hasController: false });
  const store = await openPostgresStore({ connectionString: cluster.databaseUrl });
  const pool = new pg.Pool({ connectionString: cluster.databaseUrl, max: 2 });
  try {
    return await burst(cluster, store, pool, killsLeader);
  } finally {
    await endWorkers(store);
    await pool.end();
    await store.close();
    await cluster.stop();
  }
}

async function burst(
  cluster: Cluster,
  store: Store,
  pool: pg.Pool,
  killsLeader: boolean,
): Promise<ScaleReport> {
  const tenant = await store.access.ensureTenant("default");
  const { id: deploymentId } = await store.access.defaultDeployment(tenant.id);
  await store.scaling.set(deploymentId, settings);
  const environment = { CHAOS_FOLDER: cluster.folder };
  cluster.startScript("first", controller, environment);
  await eventually("a leader", () => leaderOf(pool));
  cluster.startScript("second", controller, environment);
  const pictures = Array.from({ length: jobs }, (_, seed) => steppedPicture(seed, 10, 150));
  const submitted = await Promise.all(pictures.map((picture) => cluster.api.submit(picture)));
  const watch = new Watch(pool);
  await eventually("the first launch", async () => ((await watch.look()) > 0 ? true : undefined));
  const takeoverS = killsLeader ? await replaceLeader(cluster, pool) : 0;
  const ended = await eventually(
    "the end of all jobs",
    async () => {
      await watch.look();
      const bodies = await Promise.all(submitted.map(({ id }) => cluster.api.get(id)));
      return bodies.every(({ status }) => status === "succeeded" || status === "failed")
        ? bodies
        : undefined;
    },
    120_000,
  );
  const isEmpty = async (): Promise<true | undefined> =>
    (await watch.look()) === 0 ? true : undefined;
  await eventually("an empty fleet", isEmpty, 120_000);
  return {
    jobs,
    succeeded: ended.filter(({ status }) => status === "succeeded").length,
    disturbedAttempts: await count(pool, "select 1 from attempt where state <> 'succeeded'"),
    mostWorkers: watch.most,
    instances: await count(pool, "select 1 from instance"),
    launched: await count(pool, "select 1 from instance where external_id is not null"),
    takeoverS,
    ...(await reasons(store, deploymentId)),
  };
}

/** Kills the leader, and returns how many seconds it takes until another one leads. */
async function replaceLeader(cluster: Cluster, pool: pg.Pool): Promise<number> {
  const first = await eventually("the leader's session", () => leaderOf(pool));
  const killedMs = performance.now();
  await cluster.kill("first");
  await eventually("a new leader", async () => {
    const now = await leaderOf(pool);
    return now !== undefined && now !== first ? now : undefined;
  });
  return (performance.now() - killedMs) / 1000;
}

/** Counts instances that are there, and remembers the most. */
class Watch {
  most = 0;
  private readonly pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.pool = pool;
  }

  async look(): Promise<number> {
    const now = await count(this.pool, "select 1 from instance where gone_at is null");
    this.most = Math.max(this.most, now);
    return now;
  }
}

/** The database session that holds the lead. */
async function leaderOf(pool: pg.Pool): Promise<number | undefined> {
  const { rows } = await pool.query<{ pid: number }>(
    "select pid from pg_locks where locktype = 'advisory' and granted",
  );
  return rows[0]?.pid;
}

async function count(pool: pg.Pool, text: string): Promise<number> {
  return (await pool.query(text)).rowCount ?? 0;
}

interface StoredCommand {
  readonly action: "launch" | "drain";
  readonly reason: string;
}

async function reasons(
  store: Store,
  deploymentId: number,
): Promise<Pick<ScaleReport, "launchReasons" | "drainReasons">> {
  const stored = await store.scaling.decisions(deploymentId, 500);
  const commands = stored.flatMap(
    ({ decision }) => (decision as { commands: readonly StoredCommand[] }).commands,
  );
  const of = (action: StoredCommand["action"]): readonly string[] =>
    commands.filter((command) => command.action === action).map(({ reason }) => reason);
  return { launchReasons: of("launch"), drainReasons: of("drain") };
}

/** Workers outlive controllers by design, so a run that failed asks them to leave. */
async function endWorkers(store: Store): Promise<void> {
  for (const worker of await store.workers.list()) await store.workers.markDraining(worker.id);
}
