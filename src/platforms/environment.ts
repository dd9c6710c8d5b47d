import type { LaunchSpec } from "./platform.ts";

/** Carries the token of a launch where the platform keeps variables and no labels of ours. */
const instanceVariable = "HEARTH_INSTANCE_ID";

/** The variables that a `hearth worker` starts from, the same on every platform. */
export function workerEnvironment(spec: LaunchSpec): Readonly<Record<string, string>> {
  return {
    HEARTH_ENROLLMENT_TOKEN: spec.enrollmentToken,
    HEARTH_GATEWAY_URL: spec.gatewayUrl,
    HEARTH_WORKER_NAME: spec.workerName,
    [instanceVariable]: spec.clientToken,
  };
}

/** The same as a list of pairs, which is how most platforms take them. */
export function workerVariables(spec: LaunchSpec): { name: string; value: string }[] {
  return Object.entries(workerEnvironment(spec)).map(([name, value]) => ({ name, value }));
}

/** The token of the launch among a container's variables; null where it is not there. */
export function tokenAmong(
  variables: readonly { readonly name?: string | null; readonly value?: string | null }[],
): string | null {
  return variables.find(({ name }) => name === instanceVariable)?.value ?? null;
}
