import { marksOf, type DeployTarget, type Wanted } from "../plan/resource.ts";

/** What workers run that have no ComfyUI. */
export const builtInEngine = "engine";

/**
 * What this machine's workers run, and how many there may be. Nothing is kept warm by a release
 * here: that is for `hearth up --workers` and `hearth scale`.
 */
export function localResources(target: DeployTarget): Wanted {
  const { name, image, minWorkers, maxWorkers } = target.plan;
  const isComfyui = image === builtInEngine || /^(\/|[A-Za-z]:[\\/]|https?:\/\/)/u.test(image);
  if (!isComfyui) {
    const reason = `On this machine --image is the folder of a ComfyUI, its URL, or "${builtInEngine}"; ${image} is none.`;
    return { ok: false, reason };
  }
  if (minWorkers > 0) {
    const reason = "On this machine hearth up --workers or hearth scale keeps workers, not --min.";
    return { ok: false, reason };
  }
  const fields = { comfyui: image, maxWorkers, marks: marksOf(target) };
  return { ok: true, resources: [{ kind: "workers", name, fields, closed: ["marks"] }] };
}
