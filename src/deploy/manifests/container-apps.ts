import { workerToken, type DeploymentPlan, type Rendered } from "./deployment-plan.ts";
import { printYaml } from "./yaml.ts";

/** Azure's workload profiles with a GPU, by the catalogue's ids. */
const profiles: Readonly<Record<string, { type: string; cpu: number; memoryGib: number }>> = {
  t4: { type: "Consumption-GPU-NC8as-T4", cpu: 8, memoryGib: 56 },
  "a100-80": { type: "Consumption-GPU-NC24-A100", cpu: 24, memoryGib: 220 },
};
const secret = "worker-token";

/** A Container Apps job: `az containerapp job create --yaml job.yaml`. */
export function renderContainerApps(plan: DeploymentPlan): Rendered {
  const profile = profiles[plan.gpu.id];
  if (profile === undefined) {
    const known = Object.keys(profiles).join(" and ");
    return { ok: false, reason: `Container Apps has ${known}, not ${plan.gpu.name}.` };
  }
  const job = {
    type: "Microsoft.App/jobs",
    name: plan.name,
    location: plan.region,
    properties: {
      workloadProfileName: plan.name,
      configuration: {
        triggerType: "Manual",
        // Hearth decides what follows after a failure.
        replicaRetryLimit: 0,
        replicaTimeout: 24 * 3_600,
        manualTriggerConfig: { parallelism: 1, replicaCompletionCount: 1 },
        // The value is given when the job is created, not here.
        secrets: [{ name: secret, keyVaultUrl: "KEY_VAULT_SECRET_URL", identity: "system" }],
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
  const environment = {
    workloadProfiles: [{ name: plan.name, workloadProfileType: profile.type }],
  };
  return {
    ok: true,
    files: [
      { path: "environment.yaml", text: printYaml(environment) },
      { path: "job.yaml", text: printYaml(job) },
    ],
  };
}
