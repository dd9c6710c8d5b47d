import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";

import type { DeploymentPlan, RenderedFile } from "../../deploy/manifests/deployment-plan.ts";
import { renderers } from "../../deploy/manifests/render.ts";
import type { CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { catalogueOf } from "../pricing/catalogue-of.ts";

export interface RenderFlags extends Omit<DeploymentPlan, "gpu"> {
  readonly platform: string;
  readonly gpu: string;
  readonly out: string | undefined;
}

/** `hearth deploy render`: what a platform is to be given, as files, for people who apply it themselves. */
export async function renderDeployment(context: CommandContext, flags: RenderFlags): Promise<void> {
  const { platform, gpu: gpuId, out, ...rest } = flags;
  const render = renderers[platform];
  if (render === undefined) {
    const known = Object.keys(renderers).join(", ");
    throw new CliFailure("usage", `There is no platform ${platform}; there are ${known}.`);
  }
  const { gpuById } = await catalogueOf(context);
  const gpu = gpuById.get(gpuId);
  if (gpu === undefined) {
    const known = [...gpuById.keys()].join(", ");
    throw new CliFailure("usage", `There is no GPU ${gpuId}; there are ${known}.`);
  }
  if (rest.minWorkers > rest.maxWorkers) {
    throw new CliFailure("usage", "--min must not be more than --max.");
  }
  const rendered = render({ ...rest, gpu });
  if (!rendered.ok) throw new CliFailure("usage", rendered.reason);
  const folder = resolve(context.io.folder, out ?? join("hearth-deploy", platform));
  await writeRendered(folder, rendered.files);
  const shown = relative(context.io.folder, folder) || ".";
  const paths = rendered.files.map(({ path }) => join(shown, path));
  context.output.result({ platform, folder, files: paths }, paths.join("\n"));
}

export async function writeRendered(folder: string, files: readonly RenderedFile[]): Promise<void> {
  for (const { path, text } of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text);
  }
}
