import { errorMessage } from "../kernel/errors.ts";
import type { Logger } from "../observability/logger.ts";
import type { Assignment, ReadyRequest, ReleaseRequest } from "../protocol/worker-link.ts";
import type { AgentTimings } from "./agent-options.ts";
import type { ComfySession } from "./comfyui/session.ts";
import type { ComfyHost } from "./comfyui/supervise.ts";
import { Refused } from "./link-errors.ts";
import type { Link } from "./link.ts";
import type { MemoryBudget } from "./memory/card-book.ts";
import type { OpenAttempts } from "./open-attempts.ts";
import { pause } from "./retry.ts";
import type { Warmup } from "./warmup.ts";

export interface JobLoopOptions {
  readonly host: ComfyHost;
  readonly link: Link;
  readonly timings: AgentTimings;
  readonly logger: Logger;
  /** Aborts when no further job is wanted. */
  readonly claiming: AbortSignal;
  readonly life: AbortSignal;
  readonly attempts: OpenAttempts;
  /** The most memory that a job may take to begin at once. */
  readonly budget: () => MemoryBudget;
  /** What to say besides ComfyUI's own facts when it is ready. */
  readonly readiness: (session: ComfySession) => Pick<ReadyRequest, "residents" | "isWarm">;
  readonly warmup: Warmup;
  /** Takes a job on and returns at once. */
  readonly startJob: (session: ComfySession, assignment: Assignment) => void;
}

const troubleMs = 1_000;
const sharedWaitMs = 1_000;
const releaseMs = 5_000;

/** Claims and starts one job after another until `claiming` aborts. Throws `Refused`. */
export async function runJobs(options: JobLoopOptions): Promise<void> {
  const { claiming, life, logger } = options;
  let readied = "";
  while (!claiming.aborted && !life.aborted) {
    try {
      readied = await runNext(options, readied);
    } catch (thrown) {
      if (thrown instanceof Refused) throw thrown;
      if (claiming.aborted || life.aborted) return;
      logger.warn({ cause: errorMessage(thrown) }, "claiming a job failed");
      await pause(troubleMs, claiming).catch(() => undefined);
    }
  }
}

/** Waits for ComfyUI, says so once, and takes on at most one job. Returns what was said. */
async function runNext(options: JobLoopOptions, readied: string): Promise<string> {
  const { host, link, claiming, attempts, warmup, startJob } = options;
  const session = await host.ready(claiming);
  const signal = AbortSignal.any([claiming, session.gone]);
  const isWarm = warmup.isWarm(session);
  const said = (): string => `${link.workerId} ${session.generation} ${isWarm}`;
  if (said() !== readied) {
    const facts = { ...session.facts, ...options.readiness(session) };
    await unlessGone(session, () => link.ready(facts, signal));
    return session.gone.aborted ? readied : said();
  }
  await attempts.room([signal]);
  if (signal.aborted) return readied;
  const isAhead = attempts.isExecuting;
  const isWarmupDue = !isAhead && warmup.isDue(session);
  const waitMs = isWarmupDue ? 0 : options.timings.claimWaitMs;
  const claim = (): Promise<Assignment | null> => claimWithin(options, { isAhead, waitMs }, signal);
  const assignment = await unlessGone(session, claim);
  if (assignment === null || assignment === undefined) {
    if (isWarmupDue && !signal.aborted) await warmup.run(session, signal);
    return readied;
  }
  warmup.hasJob(session);
  if (signal.aborted) {
    await giveBack(options, assignment, claiming.aborted ? "shutdown" : "not_ready");
    return readied;
  }
  startJob(session, assignment);
  return readied;
}

/**
 * Asks for a job that fits. On a shared card it is asked again soon, since what fits changes; a
 * question that was already answered must not be taken back, or the job would hang on its lease.
 */
function claimWithin(
  { link, budget }: JobLoopOptions,
  { isAhead, waitMs }: { readonly isAhead: boolean; readonly waitMs: number },
  signal: AbortSignal,
): Promise<Assignment | null> {
  const { bytes, isShared } = budget();
  const request = {
    waitMs: isShared ? Math.min(waitMs, sharedWaitMs) : waitMs,
    ...(isAhead && { isAhead }),
    ...(bytes !== undefined && { budgetBytes: bytes }),
  };
  return link.claim(request, signal);
}

/** Undefined when ComfyUI went away meanwhile: then the next one is waited for. */
async function unlessGone<T>(
  session: ComfySession,
  task: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await task();
  } catch (thrown) {
    if (session.gone.aborted && !(thrown instanceof Refused)) return undefined;
    throw thrown;
  }
}

async function giveBack(
  { link, logger }: JobLoopOptions,
  { jobId, epoch }: Assignment,
  reason: ReleaseRequest["reason"],
): Promise<void> {
  try {
    await link.release({ jobId, epoch }, { reason }, AbortSignal.timeout(releaseMs));
  } catch (thrown) {
    logger.warn({ jobId, epoch, cause: errorMessage(thrown) }, "a job must time out on its lease");
  }
}
