import { parseRetryAfterMs, type CallFailure } from "../calls.ts";
import { workerEnvironment } from "../environment.ts";
import type { Hardware, InstanceStatus, KnownInstance, LaunchSpec } from "../platform.ts";

/** The queue endpoint whose jobs are our instances. */
export interface RunpodPlace {
  readonly endpointId: string;
  readonly offer: Hardware;
  /** RunPod ends a job after this long, whatever it does. */
  readonly maxRunMs: number;
  /** What the endpoint is to be set to; RunPod lowers it when nobody uses the endpoint. */
  readonly workers: RunpodWorkers;
}

export interface RunpodWorkers {
  readonly min: number;
  readonly max: number;
  /** Seconds that a worker stays after its job; only queues that are scaled by delay have it. */
  readonly idleTimeout: number;
}

/** A drain job: its handler starts the agent with these variables and ends when the agent leaves. */
export interface DrainJob {
  readonly input: { readonly hearth: { readonly environment: Readonly<Record<string, string>> } };
  readonly policy: { readonly executionTimeout: number; readonly ttl: number };
}

/** RunPod counts a job's life from its submission, so the time in the queue comes on top. */
const queueMs = 3_600_000;

export function drainJob(place: RunpodPlace, spec: LaunchSpec): DrainJob {
  return {
    input: { hearth: { environment: workerEnvironment(spec) } },
    policy: { executionTimeout: place.maxRunMs, ttl: place.maxRunMs + queueMs },
  };
}

/** What RunPod says of a job; its SDK leaves the worker's name out of its own description. */
export interface JobReport {
  readonly status?: string;
  readonly workerId?: string;
}

/** What a job is to us; undefined once it has ended or RunPod has forgotten it. */
export function statusOf(
  known: KnownInstance & { readonly externalId: string },
  report: JobReport | undefined,
  place: RunpodPlace,
  gpuTypes: ReadonlyMap<string, string>,
): InstanceStatus | undefined {
  const { clientToken, externalId } = known;
  const { status, workerId } = report ?? {};
  if (status === "IN_QUEUE") return { externalId, clientToken, state: "pending" };
  if (status !== "IN_PROGRESS" && status !== "RUNNING") return undefined;
  const gpu = gpuTypes.get(workerId ?? "");
  const hardware = gpu === undefined ? undefined : { ...place.offer, gpu };
  return { externalId, clientToken, state: "running", ...(hardware && { hardware }) };
}

/** What an endpoint takes of its settings: `idleTimeout` is refused where it has none. */
export function settableOf(
  found: Partial<RunpodWorkers>,
  { min, max, idleTimeout }: RunpodWorkers,
): Partial<RunpodWorkers> {
  return { min, max, ...(found.idleTimeout !== undefined && { idleTimeout }) };
}

/** What is set otherwise than it should be, as one sentence; undefined where nothing is. */
export function driftOf(found: Partial<RunpodWorkers>, place: RunpodPlace): string | undefined {
  const wanted = settableOf(found, place.workers);
  const names = ["min", "max", "idleTimeout"] as const;
  const moved = names.filter((name) => found[name] !== wanted[name]);
  if (moved.length === 0) return undefined;
  const changes = moved.map((name) => `${name} ${found[name] ?? "unset"}`).join(", ");
  return `endpoint ${place.endpointId} had workers ${changes}; they are as configured again`;
}

export interface HttpFailure {
  readonly status: number | undefined;
  readonly retryAfter: string | null | undefined;
  readonly text: string;
}

/** What an HTTP status means, of the job API and of the management API alike. */
export function failureOf(failure: HttpFailure, nowMs: number): CallFailure {
  const { status, retryAfter, text } = failure;
  if (status === 429) {
    return { kind: "throttled", retryAfterMs: parseRetryAfterMs(retryAfter, nowMs) };
  }
  if (status === 404) return { kind: "missing" };
  const reason = text === "" ? `HTTP ${status ?? "?"}` : text;
  if (status === 402 || (status === 403 && /spend|balance|quota|limit/iu.test(text))) {
    return { kind: "quota", reason };
  }
  if (status !== undefined && status >= 400 && status < 500) return { kind: "refused", reason };
  return { kind: "unreachable" };
}
