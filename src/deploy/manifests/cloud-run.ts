import { tokenSecret, workerToken, type DeploymentPlan, type Rendered } from "./deployment-plan.ts";
import { printYaml } from "./yaml.ts";

/** What Cloud Run calls the GPUs that it has, by the catalogue's ids, with the least that they need. */
const accelerators: Readonly<Record<string, { type: string; cpu: number; memoryGib: number }>> = {
  l4: { type: "nvidia-l4", cpu: 4, memoryGib: 16 },
  "rtx-pro-6000": { type: "nvidia-rtx-pro-6000", cpu: 20, memoryGib: 80 },
};

/** GPU tasks may run for 12 hours. */
export const timeoutSeconds = 12 * 3_600;

/** A Cloud Run job in Knative's shape: `gcloud run jobs replace job.yaml`. */
export function renderCloudRun(plan: DeploymentPlan): Rendered {
  const shape = cloudRunShape(plan);
  if (!shape.ok) return shape;
  const { accelerator, limits } = shape;
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
              timeoutSeconds: String(timeoutSeconds),
              nodeSelector: { "run.googleapis.com/accelerator": accelerator },
              containers: [
                {
                  name: "worker",
                  image: plan.image,
                  env: environmentOf(plan),
                  resources: { limits },
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

/** The accelerator and what has to come with it, or a sentence on why there is none. */
export function cloudRunShape(plan: DeploymentPlan):
  | {
      readonly ok: true;
      readonly accelerator: string;
      readonly limits: Readonly<Record<string, string>>;
    }
  | { readonly ok: false; readonly reason: string } {
  const accelerator = accelerators[plan.gpu.id];
  if (accelerator === undefined) {
    const known = Object.keys(accelerators).join(" and ");
    return { ok: false, reason: `Cloud Run has ${known}, not ${plan.gpu.name}.` };
  }
  const cpu = Math.max(plan.cpuCores, accelerator.cpu);
  const memoryGib = Math.max(plan.memoryGib, accelerator.memoryGib);
  const limits = { cpu: String(cpu), memory: `${memoryGib}Gi`, "nvidia.com/gpu": "1" };
  return { ok: true, accelerator: accelerator.type, limits };
}

function environmentOf({ gatewayUrl }: DeploymentPlan): readonly object[] {
  const secretKeyRef = { name: tokenSecret, key: "latest" };
  return [
    { name: "HEARTH_GATEWAY_URL", value: gatewayUrl },
    { name: workerToken, valueFrom: { secretKeyRef } },
  ];
}
