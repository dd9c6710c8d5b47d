import type { protos } from "@google-cloud/run";

import type { CallFailure } from "../calls.ts";
import { tokenAmong, workerVariables } from "../environment.ts";
import type { Hardware, InstanceStatus, LaunchSpec } from "../platform.ts";

/** The Cloud Run job whose executions are our instances. */
export interface CloudRunPlace {
  readonly project: string;
  readonly location: string;
  readonly job: string;
  /** The container of the job that runs the worker. */
  readonly container: string;
  /** What the job is to run; executions of another image are obsolete. Null: whatever it runs. */
  readonly image: string | null;
  readonly offer: Hardware;
}

type RunJobRequest = protos.google.cloud.run.v2.IRunJobRequest;
type Execution = protos.google.cloud.run.v2.IExecution;

export function jobPath({ project, location, job }: CloudRunPlace): string {
  return `projects/${project}/locations/${location}/jobs/${job}`;
}

/** The last part of an execution's name; the rest is the job's. */
export function executionId(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

export function runJobRequest(place: CloudRunPlace, spec: LaunchSpec): RunJobRequest {
  return {
    name: jobPath(place),
    overrides: {
      taskCount: 1,
      containerOverrides: [{ name: place.container, env: workerVariables(spec) }],
    },
  };
}

/** What an execution is to us; undefined once it has ended. */
export function statusOf(execution: Execution, place: CloudRunPlace): InstanceStatus | undefined {
  const { name, completionTime, deleteTime, template } = execution;
  const isOver = isSet(completionTime) || isSet(deleteTime);
  if (typeof name !== "string" || isOver) return undefined;
  const container = template?.containers?.find((one) => one.name === place.container);
  const clientToken = tokenAmong(container?.env ?? []);
  const gpu = template?.nodeSelector?.accelerator ?? place.offer.gpu;
  const hardware = { gpu, region: place.location, isSpot: false };
  const isOther = place.image !== null && (container?.image ?? place.image) !== place.image;
  return {
    externalId: executionId(name),
    clientToken,
    hardware,
    state: stateOf(execution, isOther),
  };
}

function stateOf(execution: Execution, isOther: boolean): InstanceStatus["state"] {
  const isCancelling = execution.conditions?.some((one) => one.executionReason === "CANCELLING");
  if (isCancelling === true) return "terminating";
  if (isOther) return "obsolete";
  return (execution.runningCount ?? 0) > 0 ? "running" : "pending";
}

/** gRPC's numbers, which the client uses for HTTP, too. */
const codes = {
  invalid: 3,
  deadline: 4,
  notFound: 5,
  denied: 7,
  exhausted: 8,
  precondition: 9,
  unavailable: 14,
  unauthenticated: 16,
} as const;
const refusals: ReadonlySet<number> = new Set([
  codes.invalid,
  codes.denied,
  codes.precondition,
  codes.unauthenticated,
]);

/** What an error of the client means. One code stands for too many requests and for quotas. */
export function failureOf(thrown: unknown): CallFailure {
  const { code, reason, message, statusDetails } = (thrown ?? {}) as {
    code?: number;
    reason?: string;
    message?: string;
    statusDetails?: unknown;
  };
  const text = message ?? "no reason given";
  if (code === codes.exhausted) {
    const retryAfterMs = retryDelayMs(statusDetails);
    const isRate = reason === "RATE_LIMIT_EXCEEDED" || retryAfterMs !== null;
    return isRate ? { kind: "throttled", retryAfterMs } : { kind: "quota", reason: text };
  }
  if (code === codes.notFound) return { kind: "missing" };
  if (code !== undefined && refusals.has(code)) return { kind: "refused", reason: text };
  if (/could not load the default credentials/iu.test(text)) {
    return { kind: "refused", reason: text };
  }
  return { kind: "unreachable" };
}

function retryDelayMs(details: unknown): number | null {
  for (const detail of Array.isArray(details) ? details : []) {
    const { retryDelay } = (detail ?? {}) as { retryDelay?: { seconds?: unknown } };
    const seconds = Number(retryDelay?.seconds);
    if (retryDelay !== undefined && Number.isFinite(seconds)) return seconds * 1_000;
  }
  return null;
}

function isSet(value: unknown): boolean {
  return value !== null && value !== undefined;
}
