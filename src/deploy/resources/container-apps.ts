import { containerAppsProperties } from "../manifests/container-apps.ts";
import { marksOf, type DeployTarget, type Wanted } from "../plan/resource.ts";

/** One job on a GPU workload profile of an environment that is there. */
export function containerAppsResources(target: DeployTarget): Wanted {
  const { plan, place } = target;
  const { environment = "", workloadProfile = "", tokenSecretUrl = "" } = place;
  const properties = containerAppsProperties(plan, { workloadProfile, tokenSecretUrl });
  if (!properties.ok) return properties;
  const fields = {
    location: plan.region,
    environmentId: environment,
    identity: { type: "SystemAssigned" },
    tags: marksOf(target),
    ...properties.body,
  };
  const fixed = ["location", "environmentId"];
  return { ok: true, resources: [{ kind: "job", name: plan.name, fields, fixed }] };
}
