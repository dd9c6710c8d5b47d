import { seedCatalogue } from "../../src/catalogue/seed.ts";
import type { DeploymentPlan } from "../../src/deploy/manifests/deployment-plan.ts";
import type { DeployTarget } from "../../src/deploy/plan/resource.ts";

interface TargetChange extends Partial<Omit<DeploymentPlan, "gpu">> {
  readonly gpu?: string;
  readonly release?: string;
  readonly place?: Readonly<Record<string, string>>;
}

/** What a small release is applied with, but for what the test changes. */
export function deployTarget(change: TargetChange): DeployTarget {
  const { gpu: gpuId = "l4", release = "r1", place = {}, ...rest } = change;
  const gpu = seedCatalogue().gpuById.get(gpuId);
  if (gpu === undefined) throw new Error(`the catalogue lacks ${gpuId}`);
  const plan: DeploymentPlan = {
    name: "portraits",
    deployment: "default",
    image: `registry.example/portraits:${release}`,
    gatewayUrl: "https://hearth.example",
    gpu,
    region: "us-east-1",
    minWorkers: 0,
    maxWorkers: 5,
    cpuCores: 4,
    memoryGib: 16,
    graceSeconds: 900,
    ...rest,
  };
  return { release, place, plan };
}
