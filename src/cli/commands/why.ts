import { isDeepStrictEqual } from "node:util";

import { formatBytes } from "../../kernel/bytes.ts";
import { formatDurationMs } from "../../kernel/duration.ts";
import { HearthError } from "../../kernel/errors.ts";
import { isUuid } from "../../kernel/id.ts";
import type { Considered } from "../../scheduler/decide.ts";
import { explainChoice, explainVerdict } from "../../scheduler/explain.ts";
import { decideRound, isRoundInput, type RoundDecision } from "../../scheduler/round.ts";
import type { DecisionRecord, DecisionRound } from "../../store/decisions.ts";
import type { JobStanding } from "../../store/queue.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { withStore } from "../store-access.ts";
import { formatTable } from "../table.ts";

/** Rounds looked at; the latest come first. */
const jobRounds = 5;
const workerRounds = 20;
const recentRounds = 200;

interface Explained {
  readonly decidedAt: Date;
  readonly workerId: string;
  readonly claimedJobId: string | null;
  readonly choice: object;
  /** Null where this version of Hearth would decide otherwise: nothing is made up then. */
  readonly why: string | null;
  readonly considered: readonly {
    readonly job: string;
    readonly modelSet: string;
    readonly verdict: string;
  }[];
}

/** `hearth jobs why`: where a job stands in the queue, and the decisions that it took part in. */
export async function explainJob(context: CommandContext, jobId: string): Promise<void> {
  if (!isUuid(jobId)) throw new HearthError("not_found");
  const settings = await settingsOf(context);
  const { standing, found } = await withStore(settings, async (store) => {
    const known = await store.queue.standing(jobId);
    if (known === undefined) throw new HearthError("not_found");
    const given = await store.decisions.ofJob(jobId, jobRounds);
    if (given.length > 0) {
      return { standing: known, found: given.flatMap((round) => explainFor(round, jobId)) };
    }
    const recent = await store.decisions.latest(known.deploymentId, recentRounds);
    const passed = recent.flatMap((round) => explainPassedOver(round, jobId));
    return { standing: known, found: passed.slice(0, jobRounds) };
  });
  const lines = [describeStanding(standing), ...found.map(describeDecision)];
  if (found.length === 0) lines.push(withoutDecision(standing));
  context.output.result({ job: standing, decisions: found }, lines.join("\n\n"));
}

/** `hearth workers why`: what a worker was given lately, or why it was left idle. */
export async function explainWorker(context: CommandContext, workerId: string): Promise<void> {
  if (!isUuid(workerId)) throw new HearthError("not_found");
  const settings = await settingsOf(context);
  const rounds = await withStore(settings, (store) =>
    store.decisions.ofWorker(workerId, workerRounds),
  );
  const rows = rounds.flatMap((round) =>
    explain(round, (decision) => decision.workerId === workerId),
  );
  if (rows.length === 0) {
    context.output.note("no decision about this worker is kept; jobs without models need none");
  }
  const text = formatTable(rows, [
    { title: "DECIDED", text: (row) => row.decidedAt.toISOString() },
    { title: "JOB", text: (row) => row.claimedJobId ?? "" },
    { title: "WHY", text: (row) => row.why ?? "by another version of Hearth" },
  ]);
  context.output.result(rows, text);
}

function explainFor(round: DecisionRound, jobId: string): readonly Explained[] {
  return explain(round, (decision) => decision.claimedJobId === jobId);
}

/** Decisions about other jobs that looked at this one and left it where it was. */
function explainPassedOver(round: DecisionRound, jobId: string): readonly Explained[] {
  return explain(round, () => true).filter(({ considered }) =>
    considered.some(({ job }) => job === jobId),
  );
}

/** Decides again from what is stored, and says why where the choice is the same. */
function explain(
  round: DecisionRound,
  isWanted: (decision: DecisionRecord) => boolean,
): readonly Explained[] {
  const again = isRoundInput(round.input) ? decideRound(round.input) : [];
  return round.decisions.flatMap((stored, index) => {
    if (!isWanted(stored)) return [];
    const found = again[index];
    const isSame =
      found !== undefined && isDeepStrictEqual({ ...found.decision.choice }, { ...stored.choice });
    return [
      {
        decidedAt: round.decidedAt,
        workerId: stored.workerId,
        claimedJobId: stored.claimedJobId,
        choice: stored.choice,
        why: found !== undefined && isSame ? explainChoice(found.decision, found.fleet) : null,
        considered: found !== undefined && isSame ? consideredBy(found) : [],
      },
    ];
  });
}

function consideredBy({ decision, fleet }: RoundDecision): Explained["considered"] {
  const line = (each: Considered): Explained["considered"][number] => ({
    job: each.head.job.jobId,
    modelSet: each.head.job.modelSet,
    verdict: explainVerdict(each, fleet),
  });
  return [...decision.ranked, ...decision.passedOver].map(line);
}

function describeStanding(job: JobStanding): string {
  const wish = job.due === null ? "" : new Date(job.due * 1000).toISOString();
  const lines = [
    ["job", job.jobId],
    ["state", job.state],
    ["priority", job.priority],
    ["models", job.models.length === 0 ? "none" : job.models.join(", ")],
    ["GPU memory", job.vramBytes === 0 ? "" : formatBytes(job.vramBytes)],
    ["expected", job.estimateMs === 0 ? "unknown" : formatDurationMs(job.estimateMs)],
    ["key", `${job.v.toFixed(3)}, without its models ${job.vCold.toFixed(3)} (s)`],
    ["wished by", job.isDemoted ? `${wish}, which is missed` : wish],
  ];
  return lines
    .filter(([, value]) => value !== "")
    .map(([name = "", value = ""]) => `${name.padEnd(12)}${value}`)
    .join("\n");
}

function describeDecision(found: Explained): string {
  const title = `${found.decidedAt.toISOString()}  worker ${found.workerId}`;
  const why = found.why ?? "decided by another version of Hearth; its reasons cannot be replayed";
  if (found.considered.length === 0) return `${title}\n${why}`;
  const table = formatTable(found.considered, [
    { title: "JOB", text: (row) => row.job },
    { title: "MODELS", text: (row) => row.modelSet },
    { title: "VERDICT", text: (row) => row.verdict },
  ]);
  return `${title}\n${why}\n${table}`;
}

function withoutDecision(job: JobStanding): string {
  if (job.modelSet === 0) return "It needs no models, so the order of the queue alone decides.";
  return job.state === "queued"
    ? "No decision that is kept has looked at it: others come first, or no worker is waiting."
    : "No decision about it is kept any more.";
}
