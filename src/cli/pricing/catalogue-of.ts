import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import type { Catalogue } from "../../catalogue/catalogue.ts";
import { overlayCatalogue } from "../../catalogue/overlay.ts";
import { seedCatalogue } from "../../catalogue/seed.ts";
import { HearthError, errorMessage } from "../../kernel/errors.ts";
import { parseJson } from "../../kernel/json.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";

/** What `hearth catalogue refresh` writes, in the data folder. */
export const refreshedFile = "catalogue.json";

/**
 * The shipped catalogue, under what was refreshed from the platforms, under the operator's own
 * prices. Errors: `config_invalid` naming file and row.
 */
export async function catalogueOf(context: CommandContext): Promise<Catalogue> {
  const { dataDir, pricesFile } = await settingsOf(context);
  const refreshed = await layer(seedCatalogue(), join(dataDir, refreshedFile), true);
  if (pricesFile === undefined) return refreshed;
  return layer(refreshed, resolve(context.io.folder, pricesFile), false);
}

async function layer(under: Catalogue, path: string, mayLack: boolean): Promise<Catalogue> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const isAbsent = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    if (isAbsent && mayLack) return under;
    throw unusable(path, errorMessage(cause), cause);
  }
  const parsed = parseJson(text, { maxDepth: 8 });
  if (!parsed.ok) throw unusable(path, parsed.error.message, parsed.error);
  const laid = overlayCatalogue(under, parsed.value);
  if (!laid.ok) throw unusable(path, laid.error, undefined);
  return laid.value;
}

function unusable(path: string, reason: string, cause: unknown): HearthError {
  const message = `The prices in ${path} cannot be used: ${reason}.`;
  return new HearthError("config_invalid", { message, details: { file: path }, cause });
}
