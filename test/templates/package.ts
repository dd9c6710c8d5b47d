import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { isJsonObject, type JsonValue } from "../../src/kernel/json.ts";
import { parseLosslessJson } from "../../src/kernel/lossless-json.ts";

export interface Template {
  readonly name: string;
  /** The category that the package files it under. */
  readonly family: string;
  readonly value: JsonValue;
}

const packageFolder = "comfyui_workflow_templates_json/templates";

/**
 * Where the PyPI package `comfyui-workflow-templates-json` lies in a virtual environment, such as
 * `.cache/python`. Undefined: it is not installed there.
 */
export async function findTemplates(environment: string): Promise<string | undefined> {
  const library = join(environment, "lib");
  for (const version of await readdir(library).catch(() => [])) {
    const folder = join(library, version, "site-packages", packageFolder);
    const files = await readdir(folder).catch(() => []);
    if (files.length > 0) return folder;
  }
  return undefined;
}

/** All workflows of the package, in the order of their names. */
export async function readTemplates(folder: string): Promise<readonly Template[]> {
  const families = await readFamilies(folder);
  const templates: Template[] = [];
  for (const file of (await readdir(folder)).toSorted()) {
    if (!file.endsWith(".json")) continue;
    const value = parseLosslessJson(await readFile(join(folder, file), "utf8"));
    if (!isJsonObject(value) || !Array.isArray(value["nodes"])) continue;
    const name = file.slice(0, -".json".length);
    templates.push({ name, family: families.get(name) ?? "not listed", value });
  }
  return templates;
}

async function readFamilies(folder: string): Promise<ReadonlyMap<string, string>> {
  const index = JSON.parse(await readFile(join(folder, "index.json"), "utf8")) as readonly {
    readonly title: string;
    readonly templates: readonly { readonly name: string }[];
  }[];
  return new Map(
    index.flatMap(({ title, templates }) => templates.map(({ name }) => [name, title] as const)),
  );
}
