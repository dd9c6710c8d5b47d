import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

import { HearthError, errorMessage } from "../kernel/errors.ts";
import { isJsonObject, parseJson } from "../kernel/json.ts";
import { environmentLayer } from "./environment.ts";
import { parseSettings, type Settings, type SettingsLayer } from "./schema.ts";

export interface SettingsSources {
  /** Flags of the command line, by setting; undefined ones are absent. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where `hearth.json` is looked for. */
  readonly folder: string;
  /** A file named by `--config`; it must exist. */
  readonly configPath?: string;
}

const defaultFile = "hearth.json";

/**
 * Flags win over the environment, that over the file, that over the defaults. `dataDir` comes
 * back absolute. Errors: `config_invalid` naming the setting.
 */
export async function loadSettings(sources: SettingsSources): Promise<Settings> {
  const flags = Object.entries(sources.flags).filter(([, value]) => value !== undefined);
  const layers: SettingsLayer[] = [
    { source: "the command line", values: Object.fromEntries(flags) },
    environmentLayer(sources.environment),
  ];
  const file = await fileLayer(sources);
  if (file !== undefined) layers.push(file);
  const parsed = parseSettings(layers);
  if (!parsed.ok) throw parsed.error;
  return { ...parsed.value, dataDir: resolve(sources.folder, parsed.value.dataDir) };
}

async function fileLayer(sources: SettingsSources): Promise<SettingsLayer | undefined> {
  const path = resolve(sources.folder, sources.configPath ?? defaultFile);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const isAbsent = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    if (isAbsent && sources.configPath === undefined) return undefined;
    throw unreadable(path, errorMessage(cause), cause);
  }
  const parsed = parseJson(text, { maxDepth: 8 });
  if (!parsed.ok) throw unreadable(path, parsed.error.message, parsed.error);
  if (!isJsonObject(parsed.value)) throw unreadable(path, "it must hold one object", undefined);
  return { source: path, values: parsed.value };
}

function unreadable(path: string, reason: string, cause: unknown): HearthError {
  const message = `The settings file ${path} cannot be used: ${reason}.`;
  return new HearthError("config_invalid", { message, details: { file: path }, cause });
}
