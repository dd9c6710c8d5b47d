import type {
  FleetWorker,
  HeadProbe,
  HeadsQuery,
  JobStanding,
  ModelSetRecord,
  QueuedRow,
  QueueStore,
  QueueSurvey,
  SurveyedSet,
} from "../queue.ts";
import type { Runner } from "./database.ts";

/** The queue as those see it who decide what runs next. */
export class PostgresQueue implements QueueStore {
  private readonly database: Runner;

  constructor(database: Runner) {
    this.database = database;
  }

  heads(query: HeadsQuery): Promise<readonly QueuedRow[]> {
    return this.database.run<QueuedRow>("queue-heads", [
      query.deploymentId,
      query.exceptTenantIds,
      ...probeColumns(query.sets),
      ...probeColumns(query.classes),
      query.overdue.vramBytes,
      query.overdue.limit,
    ]);
  }

  async survey(deploymentId: number, countLimit: number): Promise<QueueSurvey> {
    const sets = await this.database.run<SurveyedSet>("queue-survey", [deploymentId, countLimit]);
    const needsModels = sets.some((set) => set.id > 0);
    const classes = needsModels
      ? await this.database.run<QueueSurvey["classes"][number]>("queue-survey-classes", [
          deploymentId,
        ])
      : [];
    const [standing] = await this.database.run<Pick<QueueSurvey, "isShared" | "cappedTenantIds">>(
      "queue-standing",
      [deploymentId],
    );
    return { sets, classes, isShared: false, cappedTenantIds: [], ...standing };
  }

  fleet(deploymentId: number): Promise<readonly FleetWorker[]> {
    return this.database.run<FleetWorker>("queue-fleet", [deploymentId]);
  }

  async standing(jobId: string): Promise<JobStanding | undefined> {
    const [row] = await this.database.run<JobStanding>("queue-standing-of-job", [jobId]);
    return row;
  }

  async internModelSet(hash: string, keys: readonly string[]): Promise<number> {
    // A set that somebody else is giving a number right now is there at the second look.
    for (let look = 0; look < 2; look++) {
      const [row] = await this.database.run<{ id: number }>("queue-intern-set", [hash, keys]);
      if (row !== undefined) return row.id;
    }
    throw new Error(`model set ${hash} has no number`);
  }

  modelSets(ids: readonly number[]): Promise<readonly ModelSetRecord[]> {
    return this.database.sql<ModelSetRecord>(
      "select id, keys from model_set where id = any($1::int[])",
      [ids],
    );
  }

  async demote(
    deploymentId: number,
    queueIds: readonly number[],
    bySeconds: number,
  ): Promise<void> {
    await this.database.run("queue-demote", [deploymentId, queueIds, bySeconds]);
  }

  async advanceClock(deploymentId: number, startTag: number): Promise<void> {
    await this.database.sql(
      `insert into pool_clock as clock (pool, virtual_time) values ($1, $2)
       on conflict (pool) do update set virtual_time = excluded.virtual_time
       where clock.virtual_time < excluded.virtual_time`,
      [deploymentId, startTag],
    );
  }
}

function probeColumns(probes: readonly HeadProbe[]): readonly (readonly number[])[] {
  return [
    probes.map((probe) => probe.of),
    probes.map((probe) => probe.vramBytes),
    probes.map((probe) => probe.fromKey),
    probes.map((probe) => probe.limit),
  ];
}
