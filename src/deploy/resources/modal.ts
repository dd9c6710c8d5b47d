import { blake3Hex } from "../../kernel/blake3.ts";
import { modalApp, modalScaledownSeconds } from "../manifests/modal.ts";
import { marksOf, type DeployTarget, type Wanted } from "../plan/resource.ts";

/**
 * One app. Modal shows an app's tags and its function's autoscaler, and nothing else of what was
 * deployed; a digest of the program stands for the rest.
 */
export function modalResources(target: DeployTarget): Wanted {
  const { plan } = target;
  const marks = marksOf(target);
  const bare = modalApp(plan, marks);
  if (!bare.ok) return bare;
  const tags = { ...marks, "hearth-program": blake3Hex(bare.file.text).slice(0, 16) };
  const app = modalApp(plan, tags);
  if (!app.ok) return app;
  const autoscaler = {
    minContainers: plan.minWorkers,
    maxContainers: plan.maxWorkers,
    bufferContainers: 0,
    scaledownWindow: modalScaledownSeconds,
  };
  const fields = { tags, autoscaler };
  const resource = { kind: "app", name: plan.name, fields, closed: ["tags"], program: app.file };
  return { ok: true, resources: [resource] };
}
