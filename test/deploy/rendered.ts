import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { onTestFinished } from "vitest";

import { seedCatalogue } from "../../src/catalogue/seed.ts";
import { renderers } from "../../src/deploy/manifests/render.ts";

/** Writes all that one platform is to be given into a folder of its own; returns the folder. */
export async function writeRendered(platform: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-render-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const rendered = renderers[platform]!({
    name: "portraits",
    deployment: "default",
    image: "registry.example/portraits:1",
    gatewayUrl: "https://hearth.example",
    gpu: seedCatalogue().gpuById.get("l4")!,
    region: "us-east-1",
    minWorkers: 1,
    maxWorkers: 5,
    cpuCores: 4,
    memoryGib: 16,
    graceSeconds: 900,
  });
  if (!rendered.ok) throw new Error(rendered.reason);
  for (const { path, text } of rendered.files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}
