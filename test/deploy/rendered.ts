import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { onTestFinished } from "vitest";
import { parse } from "yaml";

import type { RenderedFile } from "../../src/deploy/manifests/deployment-plan.ts";
import { renderers } from "../../src/deploy/manifests/render.ts";
import { deployTarget } from "../rollout/target.ts";

/** Where the same deployment has another name for its place, or another card. */
const changes: Readonly<Record<string, Parameters<typeof deployTarget>[0]>> = {
  "container-apps": { gpu: "t4", region: "swedencentral" },
  "cloud-run": { region: "europe-west4" },
};

export const platforms: readonly string[] = Object.keys(renderers);

/** All that one platform is to be given for the same small deployment. */
export function renderedFor(platform: string): readonly RenderedFile[] {
  const change = changes[platform] ?? {};
  const { plan } = deployTarget({ minWorkers: 1, ...change });
  const rendered = renderers[platform]!(plan);
  if (!rendered.ok) throw new Error(rendered.reason);
  return rendered.files;
}

/** The data in one of these files, which is JSON or YAML. */
export function renderedData(platform: string, path: string): Record<string, unknown> {
  const file = renderedFor(platform).find((each) => each.path === path);
  if (file === undefined) throw new Error(`${platform} has no ${path}`);
  return parse(file.text) as Record<string, unknown>;
}

/** Writes them into a folder of its own; returns the folder. */
export async function writeRendered(platform: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-render-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const { path, text } of renderedFor(platform)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}
