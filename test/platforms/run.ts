import type { OpenCloud } from "../fake-cloud/cloud.ts";
import { openFakeCloudRun } from "../fake-cloud/cloud-run.ts";
import { openFakeContainerApps } from "../fake-cloud/container-apps.ts";
import { openFakeEcs } from "../fake-cloud/ecs.ts";
import { openFakeKubernetes } from "../fake-cloud/kubernetes.ts";
import { openLocalMachine } from "../fake-cloud/local.ts";
import { openFakeModal } from "../fake-cloud/modal.ts";
import { openFakeRunpod } from "../fake-cloud/runpod.ts";
import { startPlatformStack } from "./stack.ts";
import { steps } from "./steps.ts";

/** Every platform, with what stands for its cloud. */
export const clouds: Readonly<Record<string, OpenCloud>> = {
  runpod: openFakeRunpod,
  modal: openFakeModal,
  ecs: openFakeEcs,
  "cloud-run": openFakeCloudRun,
  "container-apps": openFakeContainerApps,
  kubernetes: openFakeKubernetes,
  local: openLocalMachine,
};

export interface StepResult {
  readonly step: string;
  readonly seconds: number;
  /** Undefined where it passed. */
  readonly failure: string | undefined;
}

/** Runs the suite on one platform; a failed step does not end it. */
export async function runPlatform(
  serverUrl: string,
  openCloud: OpenCloud,
  isShort: boolean,
  onStep: (result: StepResult) => void = () => undefined,
): Promise<readonly StepResult[]> {
  const stack = await startPlatformStack(serverUrl, openCloud);
  const results: StepResult[] = [];
  try {
    for (const { name, run } of steps.filter((step) => step.isShort || !isShort)) {
      const startedMs = performance.now();
      const failure = await run(stack).then(
        () => undefined,
        (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
      );
      const seconds = (performance.now() - startedMs) / 1_000;
      const result = { step: name, seconds, failure };
      results.push(result);
      onStep(result);
    }
  } finally {
    await stack.close();
  }
  return results;
}
