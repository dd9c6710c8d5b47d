import type { JobPriority } from "../queue/queue-key.ts";

/** One request of a workload. */
export interface SimJob {
  readonly jobId: string;
  readonly arrivalSeconds: number;
  readonly tenant: string;
  /** The base model; one model set. */
  readonly model: string;
  readonly priority: JobPriority;
  /** True run time with the base model in VRAM; LoRAs are loaded within it. */
  readonly warmSeconds: number;
  /** Jobs of one kind take about as long: what a learned estimate goes by. */
  readonly kind: string;
  readonly vramBytes: number;
  readonly deadlineSeconds: number | null;
  /** Pictures that it makes; 1 where absent. */
  readonly images?: number;
}

/** Requests in order of arrival. */
export interface Workload {
  readonly name: string;
  readonly jobs: readonly SimJob[];
}
