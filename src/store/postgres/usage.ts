import type {
  PaidUnit,
  UsageAttempt,
  UsageHour,
  UsageQuery,
  UsageRow,
  UsageStore,
} from "../usage.ts";
import type { Database } from "./database.ts";

/** The books: what hours cost and how they went. */
export class PostgresUsage implements UsageStore {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  async finalBefore(): Promise<Date | null> {
    const [row] = await this.database.sql<{ at: Date }>(
      "select final_before as at from usage_progress",
      [],
    );
    return row?.at ?? null;
  }

  units(from: Date, to: Date, limit: number): Promise<readonly PaidUnit[]> {
    return this.database.run<PaidUnit>("usage-units", [from, to, limit]);
  }

  attempts(from: Date, to: Date, limit: number): Promise<readonly UsageAttempt[]> {
    return this.database.run<UsageAttempt>("usage-attempts", [from, to, limit]);
  }

  async saveHour(hour: Date, rows: readonly UsageHour[], isFinal: boolean): Promise<void> {
    await this.database.transaction(async (runner) => {
      await runner.sql("delete from usage_hour where hour = $1", [hour]);
      // Somebody else may book the same hour at the same moment; the later word counts.
      await runner.sql(
        `insert into usage_hour (deployment_id, hour, model_set, summary)
         select deployment_id, $1, model_set, summary
         from unnest($2::int[], $3::int[], $4::jsonb[]) as u (deployment_id, model_set, summary)
         order by deployment_id, model_set
         on conflict (deployment_id, hour, model_set) do update set summary = excluded.summary`,
        [
          hour,
          rows.map(({ deploymentId }) => deploymentId),
          rows.map(({ modelSet }) => modelSet),
          rows.map(({ summary }) => JSON.stringify(summary)),
        ],
      );
      if (!isFinal) return;
      await runner.sql(
        `insert into usage_progress (final_before) values ($1::timestamptz + interval '1 hour')
         on conflict (only_row) do update
           set final_before = greatest(usage_progress.final_before, excluded.final_before)`,
        [hour],
      );
    });
  }

  hours({ from, to, deploymentId, tenantId }: UsageQuery): Promise<readonly UsageRow[]> {
    return this.database.run<UsageRow>("usage-hours", [
      from,
      to,
      deploymentId ?? null,
      tenantId ?? null,
    ]);
  }

  async forgetBefore(hour: Date): Promise<void> {
    await this.database.sql("delete from usage_hour where hour < $1", [hour]);
  }
}
