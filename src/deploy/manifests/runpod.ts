import type { JsonObject } from "../../kernel/json.ts";
import type { DeploymentPlan, Rendered } from "./deployment-plan.ts";

/** The pool of each GPU, by the catalogue's ids; a pool holds cards of like size. */
const pools: Readonly<Record<string, string>> = {
  "rtx-a4000": "AMPERE_16",
  l4: "AMPERE_24",
  "rtx-a5000": "AMPERE_24",
  "rtx-3090": "AMPERE_24",
  "rtx-4090": "ADA_24",
  a40: "AMPERE_48",
  "rtx-a6000": "AMPERE_48",
  l40: "ADA_48_PRO",
  l40s: "ADA_48_PRO",
  "rtx-6000-ada": "ADA_48_PRO",
  "a100-80": "AMPERE_80",
  "h100-sxm": "ADA_80_PRO",
  h200: "HOPPER_141",
};
const dayMs = 86_400_000;

/** The body of `POST /v2/serverless`, as a file. */
export function renderRunpod(plan: DeploymentPlan): Rendered {
  const endpoint = runpodEndpoint(plan);
  if (!endpoint.ok) return endpoint;
  const text = `${JSON.stringify(endpoint.body, null, 2)}\n`;
  return { ok: true, files: [{ path: "endpoint.json", text }] };
}

/** A queue endpoint whose jobs are launches, or a sentence on why it cannot be. */
export function runpodEndpoint(
  plan: DeploymentPlan,
): { readonly ok: true; readonly body: JsonObject } | { readonly ok: false; reason: string } {
  const pool = pools[plan.gpu.id];
  if (pool === undefined) {
    return { ok: false, reason: `No pool of RunPod is known to have ${plan.gpu.name}.` };
  }
  const body = {
    name: plan.name,
    type: "QUEUE",
    // Hearth sends one job for each worker that it wants.
    scaling: { type: "REQUEST_COUNT", requestCount: 1 },
    workers: { min: plan.minWorkers, max: plan.maxWorkers },
    gpu: { pools: [pool], count: 1 },
    image: plan.image,
    disk: 20,
    env: { HEARTH_GATEWAY_URL: plan.gatewayUrl },
    timeout: dayMs,
    // Left out it would mean OFF.
    flashboot: "FLASHBOOT",
  };
  return { ok: true, body };
}
