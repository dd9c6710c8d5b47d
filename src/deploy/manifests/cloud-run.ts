import { tokenSecret, workerToken, type DeploymentPlan, type Rendered } from "./deployment-plan.ts";
import { printYaml } from "./yaml.ts";

/** What Cloud Run calls the GPUs that it has, by the catalogue's ids, with the least that they need. */
const accelerators: Readonly<Record<string, { type: string; cpu: number; memoryGib: number }>> = {
  l4: { type: "nvidia-l4", cpu: 4, memoryGib: 16 },
  "rtx-pro-6000": { type: "nvidia-rtx-pro-6000", cpu: 20, memoryGib: 80 },
};

/** GPU tasks may run for 12 hours. */
const timeoutSeconds = 12 * 3_600;

/** A Cloud Run job in Knative's shape: `gcloud run jobs replace job.yaml`. */
export function renderCloudRun(plan: DeploymentPlan): Rendered {
  const accelerator = accelerators[plan.gpu.id];
  if (accelerator === undefined) {
    const known = Object.keys(accelerators).join(" and ");
    return { ok: false, reason: `Cloud Run has ${known}, not ${plan.gpu.name}.` };
  }
  const cpu = Math.max(plan.cpuCores, accelerator.cpu);
  const memory = Math.max(plan.memoryGib, accelerator.memoryGib);
  const job = {
    apiVersion: "run.googleapis.com/v1",
    kind: "Job",
    metadata: { name: plan.name, labels: { "cloud.googleapis.com/location": plan.region } },
    spec: {
      template: {
        metadata: { annotations: { "run.googleapis.com/gpu-zonal-redundancy-disabled": "true" } },
        spec: {
          taskCount: 1,
          template: {
            spec: {
              // Hearth decides what follows after a failure.
              maxRetries: 0,
              timeoutSeconds,
              nodeSelector: { "run.googleapis.com/accelerator": accelerator.type },
              containers: [
                {
                  name: "worker",
                  image: plan.image,
                  env: environmentOf(plan),
                  resources: {
                    limits: { cpu: String(cpu), memory: `${memory}Gi`, "nvidia.com/gpu": "1" },
                  },
                },
              ],
            },
          },
        },
      },
    },
  };
  return { ok: true, files: [{ path: "job.yaml", text: printYaml(job) }] };
}

function environmentOf({ gatewayUrl }: DeploymentPlan): readonly object[] {
  const secretKeyRef = { name: tokenSecret, key: "latest" };
  return [
    { name: "HEARTH_GATEWAY_URL", value: gatewayUrl },
    { name: workerToken, valueFrom: { secretKeyRef } },
  ];
}
