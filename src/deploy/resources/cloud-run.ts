import { cloudRunShape, timeoutSeconds } from "../manifests/cloud-run.ts";
import { tokenSecret, workerToken } from "../manifests/deployment-plan.ts";
import { marksOf, type DeployTarget, type Wanted } from "../plan/resource.ts";

/** One job; the adapter runs an execution of it for each worker. */
export function cloudRunResources(target: DeployTarget): Wanted {
  const { plan } = target;
  const shape = cloudRunShape(plan);
  if (!shape.ok) return shape;
  const secretKeyRef = { secret: tokenSecret, version: "latest" };
  const container = {
    name: "worker",
    image: plan.image,
    env: [
      { name: "HEARTH_GATEWAY_URL", value: plan.gatewayUrl },
      { name: workerToken, valueSource: { secretKeyRef } },
    ],
    resources: { limits: shape.limits },
  };
  const fields = {
    labels: marksOf(target),
    template: {
      taskCount: 1,
      template: {
        // Hearth decides what follows after a failure.
        maxRetries: 0,
        timeout: { seconds: String(timeoutSeconds) },
        nodeSelector: { accelerator: shape.accelerator },
        gpuZonalRedundancyDisabled: true,
        containers: [container],
      },
    },
  };
  return { ok: true, resources: [{ kind: "job", name: plan.name, fields }] };
}
