import type { Considered, Decision, Verdict } from "./decide.ts";
import type { FleetView } from "./head.ts";
import { warmWaitSeconds } from "./wait-or-swap.ts";

/** One sentence: what was chosen and why. */
export function explainChoice(decision: Decision, fleet: FleetView): string {
  const { choice } = decision;
  if (choice.kind === "idle") {
    return decision.passedOver.length === 0
      ? "stayed idle: nothing is queued"
      : "stayed idle: no queued job should run here now";
  }
  if (choice.kind === "prefetch") {
    const set = fleet[choice.modelSet];
    const wait =
      set === undefined ? "" : `, whose warm workers need ${seconds(warmWaitSeconds(set))}`;
    return `fetches the models of ${choice.modelSet} ahead${wait}`;
  }
  const [best, second] = decision.ranked;
  if (best === undefined) return `runs ${choice.jobId}`;
  if (choice.reason === "overdue") {
    return `runs ${choice.jobId}: it was overdue, and this claim serves the overdue lane`;
  }
  const load = loadText(best);
  if (second === undefined) return `runs ${choice.jobId} (${load}): the only job that may run here`;
  const lead = seconds(second.scoreSeconds - best.scoreSeconds);
  return `runs ${choice.jobId} (${load}): ${lead} ahead of ${second.head.job.jobId} (${loadText(second)})`;
}

/** One line about a job that was looked at. */
export function explainVerdict(considered: Considered, fleet: FleetView): string {
  const { head, verdict } = considered;
  if (verdict === "ranked") return `may run, ${loadText(considered)}`;
  if (verdict === "waits_for_warm_worker") {
    const set = fleet[head.job.modelSet];
    const wait = set === undefined ? "soon" : `in about ${seconds(warmWaitSeconds(set))}`;
    return `waits: a worker that holds its models comes to it ${wait}, loading them here takes ${seconds(head.loadSeconds)}`;
  }
  return verdictTexts[verdict];
}

const verdictTexts: Readonly<Record<Exclude<Verdict, "ranked" | "waits_for_warm_worker">, string>> =
  {
    does_not_fit: "needs more VRAM than this worker has",
    not_overdue: "is first in the overdue lane, but not overdue yet",
    deadline_missed: "could no longer end before its deadline",
  };

function loadText({ head }: Considered): string {
  return head.loadSeconds === 0 ? "models resident" : `loads ${seconds(head.loadSeconds)}`;
}

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}
