import { randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import packageJson from "../../../package.json" with { type: "json" };
import { factValue } from "../../catalogue/catalogue.ts";
import { seedCatalogue } from "../../catalogue/seed.ts";
import { refusedFlags } from "../../deploy/comfyui-flags.ts";
import { printDockerfile, printDockerignore, printFetchSource } from "../../deploy/dockerfile.ts";
import { isBakeable, planLayers, type ImageLayer } from "../../deploy/image-layers.ts";
import type { ImageOptions } from "../../deploy/image-options.ts";
import { estimateImageSize, type ImageSize } from "../../deploy/image-size.ts";
import { buildSbom } from "../../deploy/sbom.ts";
import { HearthError } from "../../kernel/errors.ts";
import { lockGaps, printLock, type ReleaseLock } from "../../models/release-lock.ts";
import { modelKey } from "../../workflow/model-ref.ts";
import { bundleAgent } from "./bundle-agent.ts";

/** What a build context was made of. */
export interface BuildReport {
  readonly name: string;
  readonly folder: string;
  readonly agentBytes: number;
  readonly layers: readonly ImageLayer[];
  readonly size: ImageSize;
  /** What keeps the image from being the same the next time, and what it lacks. */
  readonly warnings: readonly string[];
}

/** Writes everything that `docker build` needs into a folder. */
export async function writeContext(
  lock: ReleaseLock,
  folder: string,
  options: ImageOptions,
): Promise<BuildReport> {
  const [refused] = refusedFlags(lock);
  if (refused !== undefined) {
    const message = `The release asks for ${refused}; a worker's ComfyUI listens on loopback alone.`;
    throw new HearthError("config_invalid", { message, details: { argument: refused } });
  }
  await mkdir(folder, { recursive: true });
  const agentBytes = await bundleAgent(join(folder, "agent"));
  const layers = planLayers(lock, options, agentBytes);
  const hearthVersion = packageJson.version;
  const serial = { uuid: randomUUID(), timestamp: new Date().toISOString(), hearthVersion };
  const files = {
    Dockerfile: printDockerfile(layers),
    ".dockerignore": printDockerignore(),
    "fetch-source.sh": printFetchSource(),
    "hearth.lock": printLock(lock),
    "sbom.cdx.json": `${JSON.stringify(buildSbom(lock, options, serial), null, 2)}\n`,
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), text, { mode: name.endsWith(".sh") ? 0o755 : 0o644 });
  }
  return {
    name: lock.name,
    folder,
    agentBytes,
    layers,
    size: estimateImageSize(layers, imageLimits()),
    warnings: [...lockGaps(lock), ...unbaked(lock, options)],
  };
}

function imageLimits(): readonly { readonly platform: string; readonly imageBytes: number }[] {
  const catalogue = seedCatalogue();
  return catalogue.platforms
    .filter(({ role }) => role === "worker")
    .map(({ id: platform }) => ({
      platform,
      imageBytes: factValue(catalogue, platform, "imageBytes", Number.POSITIVE_INFINITY),
    }));
}

function unbaked(lock: ReleaseLock, { isBaked }: ImageOptions): readonly string[] {
  if (!isBaked) return [];
  return lock.models
    .filter((model) => !isBakeable(model))
    .map((model) => `model ${modelKey(model)}: not baked, for want of a hash or a public URL`);
}
