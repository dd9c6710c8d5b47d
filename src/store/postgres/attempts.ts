import type { Verdict } from "../../protocol/worker-link.ts";
import type { JobState } from "../../queue/job.ts";
import type { AttemptFailure } from "../../queue/retry-budget.ts";
import type {
  AttemptEnd,
  AttemptRef,
  AttemptReport,
  AttemptStore,
  Claim,
  ClaimGroup,
  ClaimSlot,
  Completion,
  NewOutput,
} from "../attempts.ts";
import { cancelAttempt, failAttempt, lockAttempt, requeueAttempt } from "./attempt-end.ts";
import type { Database } from "./database.ts";

interface Accepted {
  readonly newOutputs: number;
}

const noEnd: AttemptEnd = { log: null, timings: {} };

/** What workers do to attempts, each statement fenced by epoch and worker. */
export class PostgresAttempts implements AttemptStore {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  claim(
    deploymentId: number,
    slots: readonly ClaimSlot[],
    leaseMs: number,
    fromV = -Infinity,
  ): Promise<readonly Claim[]> {
    return this.database.run<Claim>("attempts-claim", [
      deploymentId,
      leaseMs,
      slots.map((slot) => slot.workerId),
      slots.map((slot) => slot.attemptId),
      slots.map(() => 0),
      [],
      [],
      [],
      [],
      slots.length,
      fromV,
    ]);
  }

  claimChosen(
    deploymentId: number,
    groups: readonly ClaimGroup[],
    leaseMs: number,
  ): Promise<readonly Claim[]> {
    const slots = groups.flatMap((group, at) => group.slots.map((slot) => ({ ...slot, at })));
    const ends: number[] = [];
    for (const { queueIds } of groups) ends.push((ends.at(-1) ?? 0) + queueIds.length);
    return this.database.run<Claim>("attempts-claim", [
      deploymentId,
      leaseMs,
      slots.map((slot) => slot.workerId),
      slots.map((slot) => slot.attemptId),
      slots.map((slot) => slot.at + 1),
      groups.flatMap((group) => group.queueIds),
      ends.map((_, at) => (ends[at - 1] ?? 0) + 1),
      ends,
      groups.map((group) => group.slots.length),
      0,
      0,
    ]);
  }

  async heartbeat(attempts: readonly AttemptRef[], leaseMs: number): Promise<readonly Verdict[]> {
    if (attempts.length === 0) return [];
    const rows = await this.database.run<{ verdict: Verdict }>("attempts-heartbeat", [
      attempts.map((attempt) => attempt.jobId),
      attempts.map((attempt) => attempt.epoch),
      attempts.map((attempt) => attempt.workerId),
      leaseMs,
    ]);
    return rows.map((row) => row.verdict);
  }

  async report(attempt: AttemptRef, report: AttemptReport): Promise<Verdict> {
    const rows = await this.database.run<{ state: JobState }>("attempts-report", [
      ...refValues(attempt),
      report.progress === undefined ? null : JSON.stringify(report.progress),
      report.preview === undefined ? null : JSON.stringify(report.preview),
      JSON.stringify(numbered(report.outputs ?? [])),
    ]);
    return verdictOf(rows[0]?.state);
  }

  async verdict(attempt: AttemptRef): Promise<Verdict> {
    const rows = await this.database.run<{ state: JobState }>(
      "attempts-verdict",
      refValues(attempt),
    );
    return verdictOf(rows[0]?.state);
  }

  async complete(
    attempt: AttemptRef,
    outputs: readonly NewOutput[],
    end: AttemptEnd,
    stored?: Promise<unknown>,
  ): Promise<Completion> {
    const values = [
      ...refValues(attempt),
      JSON.stringify(numbered(outputs)),
      end.log?.text ?? null,
      end.log?.truncated ?? false,
      JSON.stringify(end.timings),
      end.peakBytes ?? null,
    ];
    // Its failure is met where it is awaited.
    stored?.catch(() => undefined);
    const rows = await (stored === undefined
      ? this.database.run<Accepted>("attempts-complete", values)
      : this.database.transaction(async (runner) => {
          const accepted = await runner.run<Accepted>("attempts-complete", values);
          await stored;
          return accepted;
        }));
    const [row] = rows;
    if (row !== undefined) return row.newOutputs === outputs.length ? "accepted" : "known";
    return (await this.repeated(attempt, "succeeded")) === "stale" ? "stale" : "known";
  }

  async fail(
    attempt: AttemptRef,
    failure: AttemptFailure,
    end: AttemptEnd,
  ): Promise<"accepted" | "stale"> {
    const isAccepted = await this.database.transaction((runner) =>
      failAttempt(runner, attempt, failure, "failed", end),
    );
    return isAccepted === undefined ? this.repeated(attempt, "failed") : "accepted";
  }

  async release(attempt: AttemptRef, isPreempted: boolean): Promise<"accepted" | "stale"> {
    const isAccepted = await this.database.transaction(async (runner) => {
      if (isPreempted) {
        const failure = {
          code: "preempted",
          message: "The worker was taken away",
          nodeId: null,
          classType: null,
          traceback: null,
        };
        const ended = { failureClass: "preempted", failure } as const;
        return (await failAttempt(runner, attempt, ended, "released", noEnd)) !== undefined;
      }
      const locked = await lockAttempt(runner, attempt);
      if (locked === undefined) return false;
      return locked.state === "canceling"
        ? cancelAttempt(runner, attempt, locked.counts, "released", noEnd)
        : requeueAttempt(runner, attempt, locked.counts, { attemptState: "released" }, noEnd);
    });
    return isAccepted ? "accepted" : this.repeated(attempt, "released");
  }

  async confirmCanceled(attempt: AttemptRef, end: AttemptEnd): Promise<"accepted" | "stale"> {
    const isAccepted = await this.database.transaction(async (runner) => {
      const locked = await lockAttempt(runner, attempt);
      if (locked?.state !== "canceling") return false;
      return cancelAttempt(runner, attempt, locked.counts, "canceled", end);
    });
    return isAccepted ? "accepted" : this.repeated(attempt, "canceled");
  }

  /** A call whose reply was lost and that comes again has already been carried out. */
  private async repeated(attempt: AttemptRef, state: string): Promise<"accepted" | "stale"> {
    const rows = await this.database.sql(
      "select from attempt where job_id = $1 and epoch = $2 and worker_id = $3 and state = $4",
      [...refValues(attempt), state],
    );
    return rows.length > 0 ? "accepted" : "stale";
  }
}

function refValues(attempt: AttemptRef): readonly [string, number, string] {
  return [attempt.jobId, attempt.epoch, attempt.workerId];
}

function numbered(outputs: readonly NewOutput[]): readonly object[] {
  return outputs.map((output, position) => ({ ...output, position }));
}

function verdictOf(state: JobState | undefined): Verdict {
  if (state === "running" || state === "queued") return "continue";
  return state === "canceling" ? "cancel" : "stale";
}
