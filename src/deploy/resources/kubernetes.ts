import type { JsonObject } from "../../kernel/json.ts";
import { kubernetesObjects, kubernetesScalings } from "../manifests/kubernetes.ts";
import { marksOf, type DeployTarget, type Resource, type Wanted } from "../plan/resource.ts";

/** The objects that `hearth deploy render kubernetes` writes, with marks. */
export function kubernetesResources(target: DeployTarget): Wanted {
  const asked = target.place["scaling"] ?? "jobs";
  const scaling = kubernetesScalings.find((each) => each === asked);
  if (scaling === undefined) {
    const reason = `scaling is ${kubernetesScalings.join(", ")}, not ${asked}.`;
    return { ok: false, reason };
  }
  const marks = marksOf(target);
  const { gpuResource } = target.place;
  const resources = kubernetesObjects(target.plan, scaling, gpuResource).map((each) => {
    // Plain data by construction: what is printed as YAML can be printed as JSON.
    const object = each as KubernetesObject;
    const labels = { ...object.metadata.labels, ...marks };
    const fields = { ...object, metadata: { ...object.metadata, labels } };
    return { kind: object.kind, name: object.metadata.name, fields } satisfies Resource;
  });
  return { ok: true, resources };
}

type KubernetesObject = JsonObject & {
  readonly kind: string;
  readonly metadata: JsonObject & {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
};
