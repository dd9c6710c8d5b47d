import { imageUserId } from "../image-options.ts";
import {
  tokenSecret,
  workerToken,
  type DeploymentPlan,
  type Rendered,
  type RenderedFile,
} from "./deployment-plan.ts";
import { printYaml } from "./yaml.ts";

/** The taint that keeps other pods away, and the resource of a whole card. */
const wholeGpu = "nvidia.com/gpu";
const port = 443;
/** As whom a controller may act here. */
const controller = "hearth-controller";

/**
 * A kustomize base for people who apply manifests themselves: either Hearth's controller launches
 * Jobs in the namespace (`rbac.yaml`), or KEDA starts them by the metric that the gateway serves
 * (`keda.yaml`), or a Deployment follows an HPA (`deployment.yaml`). Jobs are the default, since
 * nothing ever ends a Job in the middle of its work.
 */
export function renderKubernetes(plan: DeploymentPlan): Rendered {
  const resources = ["namespace.yaml", "network-policy.yaml", "rbac.yaml"];
  const files = [
    file("base/kustomization.yaml", {
      apiVersion: "kustomize.config.k8s.io/v1beta1",
      kind: "Kustomization",
      namespace: plan.name,
      resources,
    }),
    file("base/namespace.yaml", namespaceOf(plan), serviceAccount(plan, plan.name)),
    file("base/network-policy.yaml", networkPolicy(plan)),
    file("base/rbac.yaml", serviceAccount(plan, controller), role(plan), roleBinding(plan)),
    file("keda/kustomization.yaml", overlay(plan, ["keda.yaml"])),
    file("keda/keda.yaml", triggerAuthentication(plan), scaledJob(plan, wholeGpu)),
    file("hpa/kustomization.yaml", overlay(plan, ["deployment.yaml", "hpa.yaml"])),
    file("hpa/deployment.yaml", deployment(plan, wholeGpu), disruptionBudget(plan)),
    file("hpa/hpa.yaml", autoscaler(plan)),
  ];
  return { ok: true, files };
}

/** How many workers there are: by Hearth's own controller, by KEDA or by an HPA. */
export const kubernetesScalings = ["jobs", "keda", "hpa"] as const;
export type KubernetesScaling = (typeof kubernetesScalings)[number];

/**
 * The same objects as in the files, in the order in which they need one another. `gpuResource`: a
 * whole card, a MIG slice such as `nvidia.com/mig-1g.10gb`, or what time-slicing calls a share.
 */
export function kubernetesObjects(
  plan: DeploymentPlan,
  scaling: KubernetesScaling,
  gpuResource: string = wholeGpu,
): readonly object[] {
  const base = [
    namespaceOf(plan),
    serviceAccount(plan, plan.name),
    networkPolicy(plan),
    serviceAccount(plan, controller),
    role(plan),
    roleBinding(plan),
  ];
  switch (scaling) {
    case "jobs":
      return base;
    case "keda":
      return [...base, triggerAuthentication(plan), scaledJob(plan, gpuResource)];
    case "hpa":
      return [...base, deployment(plan, gpuResource), disruptionBudget(plan), autoscaler(plan)];
  }
}

function file(path: string, ...documents: readonly object[]): RenderedFile {
  return { path, text: documents.map(printYaml).join("---\n") };
}

function overlay({ name }: DeploymentPlan, resources: readonly string[]): object {
  return {
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    namespace: name,
    resources: ["../base", ...resources],
  };
}

function namespaceOf({ name }: DeploymentPlan): object {
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

function serviceAccount({ name: namespace }: DeploymentPlan, name: string): object {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name, namespace },
    // Workers have no business with the API server; a controller's pod asks for its token itself.
    automountServiceAccountToken: false,
  };
}

/** Nothing may reach a worker; it reaches names and HTTPS, where gateway and object store are. */
function networkPolicy({ name }: DeploymentPlan): object {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name, namespace: name },
    spec: {
      podSelector: {},
      policyTypes: ["Ingress", "Egress"],
      egress: [
        {
          ports: [
            { port: 53, protocol: "UDP" },
            { port: 53, protocol: "TCP" },
          ],
        },
        { ports: [{ port, protocol: "TCP" }] },
      ],
    },
  };
}

/** What Hearth's controller may do here, wherever it runs. */
function role({ name }: DeploymentPlan): object {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: controller, namespace: name },
    rules: [
      { apiGroups: ["batch"], resources: ["jobs"], verbs: ["create", "get", "list", "delete"] },
    ],
  };
}

function roleBinding({ name }: DeploymentPlan): object {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: controller, namespace: name },
    roleRef: {
      apiGroup: "rbac.authorization.k8s.io",
      kind: "Role",
      name: controller,
    },
    subjects: [{ kind: "ServiceAccount", name: controller, namespace: name }],
  };
}

function podTemplate(
  plan: DeploymentPlan,
  restartPolicy: "Never" | "Always",
  gpuResource: string,
): object {
  const { name, image, gatewayUrl, cpuCores, memoryGib, graceSeconds } = plan;
  const requests = { cpu: String(cpuCores), memory: `${memoryGib}Gi` };
  return {
    metadata: { labels: { app: name } },
    spec: {
      serviceAccountName: name,
      restartPolicy,
      terminationGracePeriodSeconds: graceSeconds,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: imageUserId,
        fsGroup: imageUserId,
        seccompProfile: { type: "RuntimeDefault" },
      },
      tolerations: [{ key: wholeGpu, operator: "Exists", effect: "NoSchedule" }],
      containers: [
        {
          name: "worker",
          image,
          env: [
            { name: "HEARTH_GATEWAY_URL", value: gatewayUrl },
            {
              name: workerToken,
              valueFrom: { secretKeyRef: { name: tokenSecret, key: "token" } },
            },
          ],
          resources: { requests, limits: { memory: requests.memory, [gpuResource]: "1" } },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        },
      ],
    },
  };
}

function deployment(plan: DeploymentPlan, gpuResource: string): object {
  const { name } = plan;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: name, labels: { app: name } },
    // How many pods it has is its autoscaler's affair, and one that is set to 0 gets none.
    spec: {
      selector: { matchLabels: { app: name } },
      template: podTemplate(plan, "Always", gpuResource),
    },
  };
}

function disruptionBudget({ name }: DeploymentPlan): object {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name, namespace: name },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: name } } },
  };
}

/** Reads the desired count itself, so that one worker is one worker: a target of 1 a pod. */
function autoscaler(plan: DeploymentPlan): object {
  const { name, deployment, minWorkers, maxWorkers, graceSeconds } = plan;
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name, namespace: name },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
      // Zero needs Kubernetes 1.37 or KEDA.
      minReplicas: Math.max(1, minWorkers),
      maxReplicas: maxWorkers,
      metrics: [
        {
          type: "External",
          external: {
            metric: {
              name: "hearth_desired_workers",
              selector: { matchLabels: { deployment } },
            },
            target: { type: "AverageValue", averageValue: "1" },
          },
        },
      ],
      behavior: { scaleDown: { stabilizationWindowSeconds: Math.min(3_600, graceSeconds) } },
    },
  };
}

function triggerAuthentication({ name }: DeploymentPlan): object {
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "TriggerAuthentication",
    metadata: { name, namespace: name },
    spec: { secretTargetRef: [{ parameter: "token", name: "hearth-api-key", key: "key" }] },
  };
}

function scaledJob(plan: DeploymentPlan, gpuResource: string): object {
  const { name, gatewayUrl, minWorkers, maxWorkers } = plan;
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledJob",
    metadata: { name, namespace: name },
    spec: {
      jobTargetRef: { backoffLimit: 0, template: podTemplate(plan, "Never", gpuResource) },
      minReplicaCount: minWorkers,
      maxReplicaCount: maxWorkers,
      pollingInterval: 5,
      scalingStrategy: { strategy: "accurate" },
      triggers: [
        {
          type: "metrics-api",
          metadata: {
            url: `${gatewayUrl}/api/hearth/v1/deployments/${plan.deployment}/scaling`,
            valueLocation: "desired_workers",
            targetValue: "1",
            authMode: "bearer",
          },
          authenticationRef: { name },
        },
      ],
    },
  };
}
