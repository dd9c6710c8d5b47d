/** The four priorities of the API, most patient first. */
export const jobPriorities = ["low", "normal", "high", "critical"] as const;

export type JobPriority = (typeof jobPriorities)[number];

/**
 * How long a job of each priority yields to later jobs, in seconds. The static queue key is
 * `v = submit time in seconds + class delay`; the least key goes first. It is fixed at enqueue by
 * the database clock and kept across retries, so nothing is ever sorted again and waiting helps.
 */
export const classDelaySeconds: Readonly<Record<JobPriority, number>> = {
  low: 300,
  normal: 15,
  high: 5,
  critical: 0,
};
