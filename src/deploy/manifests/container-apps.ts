import type { JsonObject } from "../../kernel/json.ts";
import { workerToken, type DeploymentPlan, type Rendered } from "./deployment-plan.ts";
import { printYaml } from "./yaml.ts";

/** Azure's workload profiles with a GPU, by the catalogue's ids. */
const profiles: Readonly<Record<string, { type: string; cpu: number; memoryGib: number }>> = {
  t4: { type: "Consumption-GPU-NC8as-T4", cpu: 8, memoryGib: 56 },
  "a100-80": { type: "Consumption-GPU-NC24-A100", cpu: 24, memoryGib: 220 },
};
const secret = "worker-token";

/**
 * A Container Apps job for `az containerapp job create --yaml job.yaml`, and the environment with
 * the GPU that it runs in, for `az rest`. What is in capitals only the account knows.
 */
export function renderContainerApps(plan: DeploymentPlan): Rendered {
  const profile = profiles[plan.gpu.id];
  const properties = containerAppsProperties(plan, {
    workloadProfile: plan.name,
    tokenSecretUrl: "KEY_VAULT_SECRET_URL",
  });
  if (!properties.ok || profile === undefined) return notThere(plan);
  const job = {
    type: "Microsoft.App/jobs",
    name: plan.name,
    location: plan.region,
    // By which it reads the secret.
    identity: { type: "SystemAssigned" },
    properties: { environmentId: "ENVIRONMENT_ID", ...properties.body },
  };
  const environment = {
    location: plan.region,
    properties: {
      workloadProfiles: [
        { name: "Consumption", workloadProfileType: "Consumption" },
        { name: plan.name, workloadProfileType: profile.type },
      ],
    },
  };
  return {
    ok: true,
    files: [
      { path: "environment.json", text: `${JSON.stringify(environment, null, 2)}\n` },
      { path: "job.yaml", text: printYaml(job) },
    ],
  };
}

function notThere({ gpu }: DeploymentPlan): { readonly ok: false; readonly reason: string } {
  const known = Object.keys(profiles).join(" and ");
  return { ok: false, reason: `Container Apps has ${known}, not ${gpu.name}.` };
}

/** What the job is, or a sentence on why it cannot be. */
export function containerAppsProperties(
  plan: DeploymentPlan,
  place: { readonly workloadProfile: string; readonly tokenSecretUrl: string },
): { readonly ok: true; readonly body: JsonObject } | { readonly ok: false; reason: string } {
  const profile = profiles[plan.gpu.id];
  if (profile === undefined) return notThere(plan);
  return {
    ok: true,
    body: {
      workloadProfileName: place.workloadProfile,
      configuration: {
        triggerType: "Manual",
        // Hearth decides what follows after a failure.
        replicaRetryLimit: 0,
        replicaTimeout: 24 * 3_600,
        manualTriggerConfig: { parallelism: 1, replicaCompletionCount: 1 },
        secrets: [{ name: secret, keyVaultUrl: place.tokenSecretUrl, identity: "system" }],
      },
      template: {
        containers: [
          {
            name: "worker",
            image: plan.image,
            env: [
              { name: "HEARTH_GATEWAY_URL", value: plan.gatewayUrl },
              { name: workerToken, secretRef: secret },
            ],
            resources: { cpu: profile.cpu, memory: `${profile.memoryGib}Gi` },
          },
        ],
      },
    },
  };
}
