import { isJsonObject } from "../../kernel/json.ts";
import { runpodEndpoint } from "../manifests/runpod.ts";
import type { DeployTarget, Wanted } from "../plan/resource.ts";

/** RunPod has neither tags nor labels; variables of the workers stand in for them. */
export const runpodMarks = {
  deployment: "HEARTH_MARK_DEPLOYMENT",
  release: "HEARTH_MARK_RELEASE",
} as const;

/** One endpoint. */
export function runpodResources({ plan, release }: DeployTarget): Wanted {
  const endpoint = runpodEndpoint(plan);
  if (!endpoint.ok) return endpoint;
  const { env } = endpoint.body;
  const marks = { [runpodMarks.deployment]: plan.name, [runpodMarks.release]: release };
  const fields = { ...endpoint.body, env: { ...(isJsonObject(env) ? env : {}), ...marks } };
  const resource = { kind: "endpoint", name: plan.name, fields, closed: ["env"], fixed: ["type"] };
  return { ok: true, resources: [resource] };
}
