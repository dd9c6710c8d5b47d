import type { LaunchSpec } from "./platform.ts";

/** The variables that a `hearth worker` starts from, the same on every platform. */
export function workerEnvironment(spec: LaunchSpec): Readonly<Record<string, string>> {
  return {
    HEARTH_ENROLLMENT_TOKEN: spec.enrollmentToken,
    HEARTH_GATEWAY_URL: spec.gatewayUrl,
    HEARTH_WORKER_NAME: spec.workerName,
  };
}
