import { readFile } from "node:fs/promises";

import { parse, stringify } from "yaml";

import { errorMessage } from "../../kernel/errors.ts";
import { parseManifest, type ReleaseManifest } from "../../models/release-manifest.ts";
import { CliFailure } from "../failure.ts";

export const manifestName = "hearth.yaml";
export const lockName = "hearth.lock";

/** Anchors may not multiply a small file into a large one. */
const maxAliases = 100;

/** YAML as plain values. Errors: `usage`. */
export function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text, { maxAliasCount: maxAliases }) as unknown;
  } catch (cause) {
    throw new CliFailure("usage", `${path} is not valid YAML: ${errorMessage(cause)}`);
  }
}

/** Reads a `hearth.yaml`. Errors: `usage` naming the key. */
export async function readManifest(path: string): Promise<ReleaseManifest> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new CliFailure("usage", `${path} cannot be read: ${errorMessage(cause)}.`, {
      hint: "Make one with: hearth init WORKFLOW…",
    });
  });
  const manifest = parseManifest(parseYaml(text, path));
  if (manifest.ok) return manifest.value;
  throw new CliFailure("usage", `${path} cannot be used: ${manifest.error}.`);
}

/** A manifest as a person would write it: without what is empty. */
export function printManifest(manifest: ReleaseManifest): string {
  const { deployment, ...rest } = manifest;
  const shown = Object.fromEntries(
    Object.entries(rest).filter(([, value]) => !Array.isArray(value) || value.length > 0),
  );
  const hasArguments = deployment.comfyuiArguments.length > 0;
  const options = {
    ...(deployment.warmup !== undefined && { warmup: deployment.warmup }),
    ...(hasArguments && { comfyuiArguments: deployment.comfyuiArguments }),
  };
  return stringify(Object.keys(options).length === 0 ? shown : { ...shown, deployment: options }, {
    lineWidth: 0,
  });
}
