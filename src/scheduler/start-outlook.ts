/** What is known of a queue when somebody asks how long a job will wait. */
export interface QueueOutlook {
  /** Counted to a limit; null beyond it. */
  readonly jobsAhead: number | null;
  readonly readyWorkers: number;
  /** Mean run time in the deployment; null before anything has run. */
  readonly meanRunMs: number | null;
  /** To load this job's models where nothing of them is resident. */
  readonly loadMs: number;
}

export interface StartRange {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * When a queued job will start, as a range: at best the jobs ahead are spread over all workers and
 * nothing is loaded; at worst every one of them is loaded for, a worker's run has only begun, and
 * this job is loaded for too. It assumes that workers neither come nor go and that no job with an
 * earlier key comes. Null where nothing honest can be said.
 */
export function estimateStart(outlook: QueueOutlook): StartRange | null {
  const { jobsAhead, readyWorkers, meanRunMs, loadMs } = outlook;
  if (jobsAhead === null || meanRunMs === null || readyWorkers === 0) return null;
  const turnsAhead = Math.floor(jobsAhead / readyWorkers);
  return {
    minMs: Math.round(turnsAhead * meanRunMs),
    maxMs: Math.round((turnsAhead + 1) * (meanRunMs + loadMs) + loadMs),
  };
}
