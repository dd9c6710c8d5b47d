import type { JobExecution, JobExecutionTemplate } from "@azure/arm-appcontainers";

import { parseRetryAfterMs, type CallFailure } from "../calls.ts";
import { tokenAmong, workerVariables } from "../environment.ts";
import type { Hardware, InstanceStatus, LaunchSpec } from "../platform.ts";

/** The Container Apps job whose executions are our instances. */
export interface ContainerAppsPlace {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly job: string;
  /** The container of the job that runs the worker; a start has to name it whole. */
  readonly container: string;
  readonly image: string;
  readonly cpuCores: number;
  /** Such as "56Gi". */
  readonly memory: string;
  readonly offer: Hardware;
}

export function startTemplate(place: ContainerAppsPlace, spec: LaunchSpec): JobExecutionTemplate {
  const { container: name, image, cpuCores, memory } = place;
  const resources = { cpu: cpuCores, memory };
  return { containers: [{ name, image, resources, env: workerVariables(spec) }] };
}

const over: ReadonlySet<string> = new Set(["Stopped", "Degraded", "Failed", "Succeeded"]);

/**
 * What an execution is to us; undefined once it has ended. Azure has no word for one that is
 * leaving, so we remember which were `asked` to.
 */
export function statusOf(
  execution: JobExecution,
  place: ContainerAppsPlace,
  asked: { has(name: string): boolean },
): InstanceStatus | undefined {
  const { name, status, endTime, template } = execution;
  if (name === undefined || over.has(status ?? "") || endTime !== undefined) return undefined;
  const container = template?.containers?.find((one) => one.name === place.container);
  const isOther = container?.image !== undefined && container.image !== place.image;
  return {
    externalId: name,
    clientToken: tokenAmong(container?.env ?? []),
    hardware: place.offer,
    state: asked.has(name) ? "terminating" : isOther ? "obsolete" : liveState(status),
  };
}

function liveState(status: string | undefined): InstanceStatus["state"] {
  return status === "Running" ? "running" : "pending";
}

/** What an error of the client means. Azure tells quotas and capacity by code and by words. */
export function failureOf(thrown: unknown, nowMs: number): CallFailure {
  const { statusCode, code, message, response } = (thrown ?? {}) as {
    statusCode?: number;
    code?: string;
    message?: string;
    response?: { headers?: { get(name: string): string | undefined } };
  };
  const reason = `${code ?? "error"}: ${message ?? "no reason given"}`;
  if (statusCode === 429) {
    const header = response?.headers?.get("retry-after");
    return { kind: "throttled", retryAfterMs: parseRetryAfterMs(header, nowMs) };
  }
  if (statusCode === 404) return { kind: "missing" };
  if (/quota|limit.?exceeded|max.*exceeded/iu.test(reason)) return { kind: "quota", reason };
  if (/capacity|sku.?not.?available|overconstrained/iu.test(reason)) {
    return { kind: "capacity", reason };
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return { kind: "refused", reason };
  }
  if (/CredentialUnavailable|AuthenticationRequired/u.test(nameOf(thrown))) {
    return { kind: "refused", reason: message ?? nameOf(thrown) };
  }
  return { kind: "unreachable" };
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : "";
}
