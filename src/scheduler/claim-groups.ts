import type { QueuedJob } from "./head.ts";
import type { RoundDecision, RoundInput } from "./round.ts";

/** Workers of which each may take any of the jobs. */
export interface ChosenGroup {
  readonly workerIds: readonly string[];
  /** The chosen jobs and then others as good, for those that somebody else is faster to take. */
  readonly jobIds: readonly string[];
}

/**
 * Puts together the workers that chose from the same model set and have the same VRAM, so that
 * one statement can give each of them the best that is still there. No job is in two groups.
 */
export function groupChoices(
  input: RoundInput,
  decisions: readonly RoundDecision[],
): readonly ChosenGroup[] {
  const vramOf = new Map(input.workers.map((worker) => [worker.workerId, worker.vramBytes]));
  const groups = new Map<string, { workerIds: string[]; jobs: QueuedJob[]; vramBytes: number }>();
  const used = new Set<string>();
  for (const { workerId, decision } of decisions) {
    const best = decision.choice.kind === "run" ? decision.ranked[0]?.head : undefined;
    if (best === undefined) continue;
    const vramBytes = vramOf.get(workerId) ?? 0;
    const { job, lane } = best;
    const key = lane === "overdue" ? job.jobId : `${vramBytes} ${job.modelSet}`;
    const group = groups.get(key) ?? { workerIds: [], jobs: [], vramBytes };
    group.workerIds.push(workerId);
    group.jobs.push(job);
    used.add(job.jobId);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ workerIds, jobs, vramBytes }) => {
    const [first] = jobs;
    const others = first === undefined ? [] : alternatives(input, first.modelSet);
    const free = others.filter((job) => !used.has(job.jobId) && job.vramBytes <= vramBytes);
    for (const job of free) used.add(job.jobId);
    return { workerIds, jobIds: [...jobs, ...free].map((job) => job.jobId) };
  });
}

/** Further jobs of a set, in order. */
function alternatives(input: RoundInput, modelSet: string): readonly QueuedJob[] {
  const listed = input.bySet[modelSet];
  if (listed !== undefined) return listed;
  return input.byClass.flat().filter((job) => job.modelSet === modelSet);
}
