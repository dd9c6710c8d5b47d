import { resolve } from "node:path";

import { checkAgainstCatalogue } from "../../workflow/check/catalogue-check.ts";
import { modelKey, type ModelFile } from "../../workflow/model-ref.ts";
import { requirementsOf } from "../../workflow/requirements.ts";
import type { CommandContext } from "../command-context.ts";
import { inspectionText } from "../inspect/text.ts";
import type { Inspection, ModelState } from "../inspect/inspection.ts";
import { findModel } from "../release/installation.ts";
import { readCatalogue } from "../workflow/catalogue.ts";
import { readPackIndex } from "../workflow/pack-index-file.ts";
import { readingOf } from "../workflow/reading.ts";
import { readSource } from "../workflow/source.ts";

export interface InspectFlags {
  readonly catalogue: string | undefined;
  readonly packIndex: string | undefined;
  /** A ComfyUI's `models` folder, to see which files are there and how large they are. */
  readonly models: string | undefined;
  readonly all: boolean;
}

/** `hearth inspect`: what a workflow needs, what of it is missing where, and what it will cost. */
export async function inspectWorkflow(
  context: CommandContext,
  path: string,
  flags: InspectFlags,
): Promise<void> {
  const { io, output } = context;
  const source = await readSource(path, io);
  const catalogue =
    flags.catalogue === undefined ? null : (await readCatalogue(flags.catalogue, io)).catalogue;
  const packIndex = await readPackIndex(flags.packIndex, io);
  const reading = readingOf(source, catalogue);
  const facts = { namedPacks: reading.packs, ...(packIndex !== undefined && { packIndex }) };
  const named = requirementsOf(reading.workflow, catalogue, { ...facts, files: reading.files });
  const here = await lookFor(named.models, flags.models, io.folder);
  const files = [...reading.files, ...named.models].map((file) => here.get(modelKey(file)) ?? file);
  const inspection: Inspection = {
    file: path,
    container: source.container,
    format: reading.format,
    nodes: reading.workflow.size,
    requirements: requirementsOf(reading.workflow, catalogue, { ...facts, files }),
    modelStates: statesOf(named.models, here, flags.models),
    guessedClasses: reading.guessedClasses,
    missingClasses:
      catalogue === null
        ? null
        : [...new Set([...reading.workflow.values()].map(({ classType }) => classType))].filter(
            (name) => !catalogue.has(name),
          ),
    check: catalogue === null ? null : checkAgainstCatalogue(reading.api, catalogue),
  };
  output.result(inspection, inspectionText(inspection, flags.all));
}

/** Files of this machine by model key, with their sizes. */
async function lookFor(
  models: readonly ModelFile[],
  folder: string | undefined,
  from: string,
): Promise<ReadonlyMap<string, ModelFile>> {
  const found = new Map<string, ModelFile>();
  if (folder === undefined) return found;
  for (const model of models) {
    const file = await findModel(resolve(from, folder), model);
    if (file !== undefined) found.set(modelKey(model), { ...model, bytes: file.bytes });
  }
  return found;
}

function statesOf(
  models: readonly ModelFile[],
  here: ReadonlyMap<string, ModelFile>,
  folder: string | undefined,
): Readonly<Record<string, ModelState>> {
  return Object.fromEntries(
    models.map((model): [string, ModelState] => {
      const key = modelKey(model);
      if (here.has(key)) return [key, "here"];
      if (model.sources.length > 0) return [key, "downloadable"];
      return [key, folder === undefined ? "unknown" : "missing"];
    }),
  );
}
