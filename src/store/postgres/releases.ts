import type { NewRollout, ReleaseRecord, ReleaseStore, RolloutRecord } from "../releases.ts";
import type { Database } from "./database.ts";

/** Releases and who applied them when. */
export class PostgresReleases implements ReleaseStore {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  async saveRelease({ id, platform, content }: Omit<ReleaseRecord, "createdAt">): Promise<void> {
    await this.database.sql(
      "insert into release (id, platform, content) values ($1, $2, $3) on conflict do nothing",
      [id, platform, JSON.stringify(content)],
    );
  }

  async findRelease(id: string): Promise<ReleaseRecord | undefined> {
    const [found] = await this.database.sql<ReleaseRecord>(
      `select id, platform, content, created_at as "createdAt" from release where id = $1`,
      [id],
    );
    return found;
  }

  async startRollout(rollout: NewRollout): Promise<number> {
    const { deploymentId, platform, name, action, releaseId, actor } = rollout;
    const [started] = await this.database.sql<{ id: number }>(
      `insert into rollout (deployment_id, platform, name, action, release_id, actor)
       values ($1, $2, $3, $4, $5, $6) returning id::float8 as id`,
      [deploymentId, platform, name, action, releaseId, actor],
    );
    return started?.id ?? 0;
  }

  async finishRollout(id: number): Promise<void> {
    await this.database.sql(
      "update rollout set finished_at = clock_timestamp() where id = $1 and finished_at is null",
      [id],
    );
  }

  rollouts(platform: string, name: string, limit: number): Promise<readonly RolloutRecord[]> {
    return this.database.sql<RolloutRecord>(
      `select r.id::float8 as id, d.slug as deployment, r.action, r.release_id as "releaseId",
         r.actor, r.started_at as "startedAt", r.finished_at as "finishedAt"
       from rollout r join deployment d on d.id = r.deployment_id
       where r.platform = $1 and r.name = $2 order by r.id desc limit $3`,
      [platform, name, limit],
    );
  }
}
