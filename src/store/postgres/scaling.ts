import type {
  ArrivalBucket,
  ArrivalCount,
  EndedAttempt,
  InstanceObservation,
  LaunchObservation,
  NewScaleDecision,
  QueueObservation,
  ScalingRecord,
  ScalingStore,
  StoredScaleDecision,
} from "../scaling.ts";
import type { Database } from "./database.ts";

const keptDecisions = 500;
/** Two months: what a weekly profile can learn from. */
const keptArrivalDays = 62;

/** Scaling settings, what is there to be scaled, and what was decided. */
export class PostgresScaling implements ScalingStore {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  async set(deploymentId: number, settings: object | null): Promise<void> {
    if (settings === null) {
      await this.database.sql("delete from scaling where deployment_id = $1", [deploymentId]);
      return;
    }
    await this.database.sql(
      `insert into scaling (deployment_id, settings) values ($1, $2)
       on conflict (deployment_id) do update
       set settings = excluded.settings, updated_at = clock_timestamp()`,
      [deploymentId, JSON.stringify(settings)],
    );
  }

  list(): Promise<readonly ScalingRecord[]> {
    return this.database.sql<ScalingRecord>(
      `select s.deployment_id as "deploymentId", d.slug as deployment, s.settings, s.memory
       from scaling s join deployment d on d.id = s.deployment_id order by s.deployment_id`,
      [],
    );
  }

  queues(deploymentIds: readonly number[]): Promise<readonly QueueObservation[]> {
    return this.database.run<QueueObservation>("scaling-queues", [deploymentIds]);
  }

  instances(deploymentIds: readonly number[]): Promise<readonly InstanceObservation[]> {
    return this.database.run<InstanceObservation>("scaling-instances", [deploymentIds]);
  }

  launches(deploymentIds: readonly number[]): Promise<readonly LaunchObservation[]> {
    return this.database.run<LaunchObservation>("scaling-launches", [deploymentIds]);
  }

  endedSince(since: Date): Promise<readonly EndedAttempt[]> {
    return this.database.run<EndedAttempt>("scaling-ended", [since]);
  }

  arrivalsSince(since: Date): Promise<readonly ArrivalCount[]> {
    return this.database.sql<ArrivalCount>(
      `select deployment_id as "deploymentId", count(*)::int as jobs
       from job where submitted_at > $1 group by 1`,
      [since],
    );
  }

  async now(): Promise<Date> {
    const [row] = await this.database.sql<{ now: Date }>("select clock_timestamp() as now", []);
    return row?.now ?? new Date(0);
  }

  createInstance(
    instance: { readonly id: string; readonly deploymentId: number; readonly platform: string },
    present: number,
  ): Promise<boolean> {
    const { id, deploymentId, platform } = instance;
    return this.database.transaction(async (runner) => {
      // Two controllers that both believe to lead are let through one after the other.
      await runner.sql("select from scaling where deployment_id = $1 for update", [deploymentId]);
      const values = [id, deploymentId, platform, present];
      return (await runner.run("scaling-create-instance", values)).length > 0;
    });
  }

  async recordDecision({ deploymentId, snapshot, decision }: NewScaleDecision): Promise<void> {
    await this.database.run("scaling-record-decision", [
      deploymentId,
      JSON.stringify(snapshot),
      JSON.stringify(decision),
      keptDecisions,
    ]);
  }

  decisions(deploymentId: number, limit: number): Promise<readonly StoredScaleDecision[]> {
    return this.database.sql<StoredScaleDecision>(
      `select id::text as id, decided_at as "decidedAt", snapshot, decision
       from scale_decision where deployment_id = $1 order by scale_decision.id desc limit $2`,
      [deploymentId, limit],
    );
  }

  async remember(deploymentId: number, memory: object): Promise<void> {
    await this.database.sql("update scaling set memory = $2 where deployment_id = $1", [
      deploymentId,
      JSON.stringify(memory),
    ]);
  }

  async rollUpArrivals(): Promise<void> {
    await this.database.run("scaling-roll-up-arrivals", []);
    await this.database.sql(
      "delete from arrival_bucket where starts_at < clock_timestamp() - make_interval(days => $1)",
      [keptArrivalDays],
    );
  }

  arrivals(deploymentId: number, since: Date): Promise<readonly ArrivalBucket[]> {
    return this.database.sql<ArrivalBucket>(
      `select starts_at as "startsAt", sum(jobs)::int as jobs, sum(run_ms)::float8 as "runMs"
       from arrival_bucket where deployment_id = $1 and starts_at >= $2 group by 1 order by 1`,
      [deploymentId, since],
    );
  }
}
