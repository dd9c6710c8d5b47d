import type { DecisionRound, DecisionStore, NewDecisionRound } from "../decisions.ts";
import type { Runner } from "./database.ts";

/** Why jobs ran where they did. */
export class PostgresDecisions implements DecisionStore {
  private readonly database: Runner;

  constructor(database: Runner) {
    this.database = database;
  }

  async save(rounds: readonly NewDecisionRound[]): Promise<void> {
    await this.database.run("decisions-save", [
      rounds.map((round) => round.deploymentId),
      rounds.map((round) => JSON.stringify(round.input)),
      rounds.map((round) => JSON.stringify(round.decisions)),
    ]);
  }

  ofJob(jobId: string, limit: number): Promise<readonly DecisionRound[]> {
    return this.database.run<DecisionRound>("decisions-find", [jobId, null, limit]);
  }

  ofWorker(workerId: string, limit: number): Promise<readonly DecisionRound[]> {
    return this.database.run<DecisionRound>("decisions-find", [null, workerId, limit]);
  }

  latest(deploymentId: number, limit: number): Promise<readonly DecisionRound[]> {
    return this.database.sql<DecisionRound>(
      `select id, pool as "deploymentId", decided_at as "decidedAt", input, decisions
       from decision_round where pool = $1 order by id desc limit $2`,
      [deploymentId, limit],
    );
  }

  async sweep(keep: number, limit: number): Promise<number> {
    const rows = await this.database.sql(
      `delete from decision_round where id in (
         select id from decision_round where id <= (select max(id) from decision_round) - $1
         order by id limit $2) returning id`,
      [keep, limit],
    );
    return rows.length;
  }
}
