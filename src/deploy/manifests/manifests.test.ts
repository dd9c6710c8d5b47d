import { ScaledJob } from "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledJob";
import { TriggerAuthentication } from "@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { HorizontalPodAutoscaler } from "kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler";
import { Job } from "kubernetes-models/batch/v1/Job";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1/NetworkPolicy";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import { Role } from "kubernetes-models/rbac.authorization.k8s.io/v1/Role";
import { RoleBinding } from "kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding";
import { Namespace } from "kubernetes-models/v1/Namespace";
import { ServiceAccount } from "kubernetes-models/v1/ServiceAccount";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";

import { seedCatalogue } from "../../catalogue/seed.ts";
import type { DeploymentPlan, Rendered } from "./deployment-plan.ts";
import { kubernetesObjects as kubernetesManifests } from "./kubernetes.ts";
import { renderers } from "./render.ts";

const { gpuById } = seedCatalogue();

function planFor(gpu: string, change: Partial<DeploymentPlan> = {}): DeploymentPlan {
  return {
    name: "portraits",
    deployment: "default",
    image: "registry.example/portraits:1",
    gatewayUrl: "https://hearth.example",
    gpu: gpuById.get(gpu)!,
    region: "us-east-1",
    minWorkers: 0,
    maxWorkers: 5,
    cpuCores: 4,
    memoryGib: 16,
    graceSeconds: 900,
    ...change,
  };
}

function filesOf(platform: string, plan: DeploymentPlan): ReadonlyMap<string, string> {
  const rendered: Rendered = renderers[platform]!(plan);
  if (!rendered.ok) throw new Error(rendered.reason);
  return new Map(rendered.files.map(({ path, text }) => [path, text]));
}

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Record<string, never>;
  readonly subjects?: readonly { readonly name: string }[];
}

function kubernetesObjects(plan: DeploymentPlan): readonly KubernetesObject[] {
  return [...filesOf("kubernetes", plan).values()].flatMap((text) =>
    parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject),
  );
}

interface Model {
  validate(): void;
}

/** Kubernetes' and KEDA's own schemas, compiled by people who have nothing to do with us. */
const models: Readonly<Record<string, new (data: never) => Model>> = {
  Deployment,
  HorizontalPodAutoscaler,
  Namespace,
  NetworkPolicy,
  PodDisruptionBudget,
  Role,
  RoleBinding,
  ScaledJob,
  ServiceAccount,
  TriggerAuthentication,
};
/** For kubectl alone; no cluster ever sees it, so there is no schema among the models. */
const unmodelled: ReadonlySet<string> = new Set(["Kustomization"]);

describe("the Kubernetes manifests", () => {
  it("are valid by Kubernetes' and KEDA's own schemas, every one of them", () => {
    const checked: string[] = [];
    for (const object of kubernetesObjects(planFor("l4"))) {
      if (unmodelled.has(object.kind)) continue;
      const Model = models[object.kind];
      expect(Model, object.kind).toBeDefined();
      expect(() => new Model!(object as never).validate(), object.kind).not.toThrow();
      checked.push(object.kind);
    }
    expect(new Set(checked)).toEqual(new Set(Object.keys(models)));
    const autoscaler = kubernetesObjects(planFor("l4")).find(
      ({ kind }) => kind === "HorizontalPodAutoscaler",
    );
    const broken = { ...autoscaler, spec: { maxReplicas: "many" } };
    expect(() => new HorizontalPodAutoscaler(broken as never).validate()).toThrow(/maxReplicas/u);
  });

  it.each([
    ["ScaledJob", { maxReplicaCount: "many" }, /maxReplicaCount/u],
    ["ScaledJob", { triggers: "none" }, /triggers/u],
    ["TriggerAuthentication", { secretTargetRef: [{ parameter: 1 }] }, /secretTargetRef/u],
  ])("would be refused as a %s with %j", (kind, change, field) => {
    const object = kubernetesObjects(planFor("l4")).find((one) => one.kind === kind)!;
    const broken = { ...object, spec: { ...object.spec, ...change } };
    expect(() => new models[kind]!(broken as never).validate()).toThrow(field);
  });

  it("give KEDA a Job that Kubernetes takes", () => {
    const scaled = kubernetesObjects(planFor("l4")).find(({ kind }) => kind === "ScaledJob")!;
    const { jobTargetRef } = scaled.spec;
    const url = "https://hearth.example/api/hearth/v1/deployments/default/scaling";
    expect(JSON.stringify(scaled)).toContain(url);
    const job = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "j" },
      spec: jobTargetRef,
    };
    expect(() => new Job(job as never).validate()).not.toThrow();
  });

  it("ask for a slice of a card where that is said, in every shape", () => {
    const slice = "nvidia.com/mig-1g.10gb";
    for (const scaling of ["keda", "hpa"] as const) {
      const text = JSON.stringify(kubernetesManifests(planFor("l4"), scaling, slice));
      expect(text).toContain(`"${slice}":"1"`);
      expect(text).not.toContain('"nvidia.com/gpu":"1"');
    }
  });

  it("bind no rights to an account that nobody makes", () => {
    const objects = kubernetesObjects(planFor("l4"));
    const accounts = objects
      .filter(({ kind }) => kind === "ServiceAccount")
      .map(({ metadata }) => metadata.name);
    const bound = objects.flatMap(({ subjects = [] }) => subjects.map(({ name }) => name));
    expect(bound).toEqual(["hearth-controller"]);
    expect(accounts).toEqual(expect.arrayContaining(bound));
  });

  it("let nothing in, and run workers without rights", () => {
    const text = [...filesOf("kubernetes", planFor("l4")).values()].join("\n");
    expect(text).toMatch(/policyTypes:\n\s+- Ingress\n\s+- Egress\n/u);
    expect(text).not.toContain("ingress:");
    expect(text).toContain("runAsNonRoot: true");
    expect(text).toContain("automountServiceAccountToken: false");
  });
});

describe("every platform's manifests", () => {
  it.each(Object.keys(renderers))("%s: name image and gateway, and hold no secret", (platform) => {
    const gpu = platform === "container-apps" ? "t4" : "l4";
    const text = [...filesOf(platform, planFor(gpu)).values()].join("\n");
    if (platform !== "lambda") {
      expect(text).toContain("registry.example/portraits:1");
      expect(text).toContain("https://hearth.example");
    }
    expect(text).not.toMatch(/hw_[\w-]{20,}|hearth_[0-9a-z]{12}_/u);
  });

  it.each([
    ["cloud-run", "rtx-4090", "Cloud Run has l4 and rtx-pro-6000, not"],
    ["container-apps", "l4", "Container Apps has t4 and a100-80, not"],
    ["ecs", "h200", "AWS has no machine with a single"],
    ["modal", "rtx-4090", "Modal has no"],
    ["runpod", "t4", "No pool of RunPod is known to have"],
  ])("%s says that it has no %s", (platform, gpu, reason) => {
    const rendered = renderers[platform]!(planFor(gpu));
    expect(rendered.ok ? "" : rendered.reason).toContain(reason);
  });

  it("keep names from becoming code", () => {
    const image = 'a"; print("${x}") #';
    const terraform = filesOf("ecs", planFor("l4", { image })).get("main.tf");
    expect(terraform).toContain(String.raw`"a\"; print(\"$${"$"}{x}\") #"`);
    const app = filesOf("modal", planFor("l4", { image })).get("app.py");
    expect(app).toContain(`from_registry(${JSON.stringify(image)}`);
  });

  it("respect what a platform needs at least", () => {
    const job = filesOf("cloud-run", planFor("rtx-pro-6000")).get("job.yaml");
    expect(job).toContain('cpu: "20"');
    expect(job).toContain("memory: 80Gi");
  });
});
