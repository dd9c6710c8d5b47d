import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import type { Settings } from "../config/schema.ts";
import { HearthError } from "../kernel/errors.ts";
import { Egress } from "../models/io/egress.ts";
import { defaultPatience } from "../models/io/fetch-options.ts";
import { ModelStore } from "../models/io/store.ts";
import type { Logger } from "../observability/logger.ts";
import type { Io } from "./output.ts";

export interface OpenedModels {
  readonly store: ModelStore;
  /** Environment variables whose values are secrets. */
  readonly secretVariables: readonly string[];
  close(): Promise<void>;
}

const connectMs = 10_000;
const silenceMs = 30_000;

/** The store of model files of this machine. Errors: `config_invalid`. */
export async function openModels(
  settings: Settings,
  io: Io,
  logger: Logger,
): Promise<OpenedModels> {
  const { models, dataDir } = settings;
  const tokens = new Map<string, string>();
  for (const [host, reference] of Object.entries(models.tokens)) {
    const token = await readSecret(reference, io);
    if (token !== undefined) tokens.set(host.toLowerCase(), token);
  }
  const egress = new Egress({ allow: models.allow, tokens, connectMs, silenceMs });
  const store = await ModelStore.open({
    folder: resolve(io.folder, models.folder ?? join(dataDir, "models")),
    egress,
    patience: defaultPatience,
    logger,
    maxBytes: models.maxBytes ?? null,
    floorBytes: models.floorBytes,
    peers: models.peers,
  });
  const references = Object.values(models.tokens).filter((each) => each.startsWith("env:"));
  const secretVariables = references.map((reference) => reference.slice("env:".length));
  return { store, secretVariables, close: () => egress.close() };
}

/** A variable that is not set is no token; a file that cannot be read is a mistake. */
async function readSecret(reference: string, io: Io): Promise<string | undefined> {
  if (reference.startsWith("env:")) {
    const value = io.environment[reference.slice("env:".length)]?.trim();
    return value === undefined || value === "" ? undefined : value;
  }
  const path = reference.slice("file:".length);
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (cause) {
    const message = `The token file ${path} of models.tokens cannot be read.`;
    throw new HearthError("config_invalid", { message, cause });
  }
}
