import type { V1Job, V1PodSpec } from "@kubernetes/client-node";

import { parseRetryAfterMs, type CallFailure } from "../calls.ts";
import { workerVariables } from "../environment.ts";
import type { Hardware, InstanceStatus, LaunchSpec } from "../platform.ts";

/** Where and how worker pods run. */
export interface KubernetesPlace {
  readonly owner: string;
  readonly namespace: string;
  readonly image: string;
  /**
   * `nvidia.com/gpu`, a MIG slice such as `nvidia.com/mig-1g.10gb`, or the name that time-slicing
   * gives to shared GPUs; null for workers without a GPU.
   */
  readonly gpuResource: string | null;
  readonly gpuCount: number;
  /** Such as `{"cloud.google.com/gke-accelerator": "nvidia-l4"}`. */
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly requests: Readonly<Record<string, string>>;
  readonly serviceAccount: string | null;
  /** From SIGTERM to SIGKILL: as long as a job may take to finish. */
  readonly graceSeconds: number;
  readonly offer: Hardware;
}

export const labels = {
  owner: "hearth.dev/owner",
  instance: "hearth.dev/instance",
} as const;

/** Notes the settings that a Job was made with. */
const specAnnotation = "hearth.dev/spec";

/** Ended Jobs stay this long for whoever wants to read why. */
const keptSeconds = 600;

/** The token is the name, so that a Job that is created twice is refused by Kubernetes. */
export function jobName(clientToken: string): string {
  return `hearth-${clientToken}`;
}

export function jobOf(place: KubernetesPlace, spec: LaunchSpec, specHash: string): V1Job {
  const marks = { [labels.owner]: place.owner, [labels.instance]: spec.clientToken };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: jobName(spec.clientToken),
      namespace: place.namespace,
      labels: { ...marks },
      annotations: { [specAnnotation]: specHash },
    },
    spec: {
      // Hearth itself decides what follows after a failure.
      backoffLimit: 0,
      ttlSecondsAfterFinished: keptSeconds,
      template: { metadata: { labels: { ...marks } }, spec: podSpec(place, spec) },
    },
  };
}

function podSpec(place: KubernetesPlace, spec: LaunchSpec): V1PodSpec {
  const { gpuResource, gpuCount, serviceAccount, nodeSelector } = place;
  const env = workerVariables(spec);
  const gpus = gpuResource === null ? {} : { [gpuResource]: String(gpuCount) };
  const requests = { ...place.requests };
  return {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: place.graceSeconds,
    containers: [
      { name: "worker", image: place.image, env, resources: { requests, limits: gpus } },
    ],
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector: { ...nodeSelector } }),
    // Nodes with GPUs are usually kept free of other pods by a taint of this name.
    ...(gpuResource !== null && { tolerations: [{ key: "nvidia.com/gpu", operator: "Exists" }] }),
    ...(serviceAccount !== null && { serviceAccountName: serviceAccount }),
  };
}

/** What a Job is to us; undefined once it has ended. */
export function statusOf(
  job: V1Job,
  place: KubernetesPlace,
  specHash: string,
): InstanceStatus | undefined {
  const { name, deletionTimestamp, annotations } = job.metadata ?? {};
  const isOver = job.status?.conditions?.some(
    ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
  );
  if (name === undefined || isOver === true) return undefined;
  const clientToken = job.metadata?.labels?.[labels.instance] ?? null;
  const base = { externalId: name, clientToken, hardware: place.offer };
  if (deletionTimestamp !== undefined) return { ...base, state: "terminating" };
  if (annotations?.[specAnnotation] !== specHash) return { ...base, state: "obsolete" };
  return { ...base, state: (job.status?.ready ?? 0) > 0 ? "running" : "pending" };
}

/** What an error of the client means. */
export function failureOf(thrown: unknown, nowMs: number): CallFailure {
  const { code, body, headers } = apiFailure(thrown);
  const reason = messageOf(body) ?? `HTTP ${code ?? "?"}`;
  if (code === 429) {
    return { kind: "throttled", retryAfterMs: parseRetryAfterMs(headers["retry-after"], nowMs) };
  }
  if (code === 404) return { kind: "missing" };
  if (code === 403 && reason.includes("exceeded quota")) return { kind: "quota", reason };
  if (code !== undefined && code >= 400 && code < 500) return { kind: "refused", reason };
  return { kind: "unreachable" };
}

/** The Job is there already: an earlier launch with this token came through. */
export function isConflict(thrown: unknown): boolean {
  return apiFailure(thrown).code === 409;
}

interface ApiFailure {
  readonly code: number | undefined;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

function apiFailure(thrown: unknown): ApiFailure {
  const { code, body, headers } = (thrown ?? {}) as Partial<ApiFailure>;
  return { code: typeof code === "number" ? code : undefined, body, headers: headers ?? {} };
}

/** The message of a Kubernetes `Status`, which the client hands on as text or parsed. */
function messageOf(body: unknown): string | undefined {
  if (typeof body === "string") return /"message":"((?:[^"\\]|\\.)*)"/u.exec(body)?.[1];
  const { message } = (body ?? {}) as { message?: unknown };
  return typeof message === "string" ? message : undefined;
}
