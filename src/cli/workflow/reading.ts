import type { JsonObject } from "../../kernel/json.ts";
import type { ModelFile } from "../../workflow/model-ref.ts";
import type { NodeCatalogue } from "../../workflow/node-class.ts";
import type { PackRef } from "../../workflow/pack-needs.ts";
import { parseWorkflow, type Workflow } from "../../workflow/parse.ts";
import { convertToApi, type Conversion } from "../../workflow/ui/convert.ts";
import { declaredModels, declaredPacks } from "../../workflow/ui/declared.ts";
import { parseUiDocument } from "../../workflow/ui/document.ts";
import type { WorkflowSource } from "./source.ts";

/** A workflow in API format, and what its editor's format says beside. */
export interface WorkflowReading {
  readonly format: "api" | "editor";
  readonly api: JsonObject;
  readonly workflow: Workflow;
  readonly files: readonly ModelFile[];
  readonly packs: ReadonlyMap<string, PackRef>;
  /** Classes that were turned into API format without knowing their widgets. */
  readonly guessedClasses: readonly string[];
}

const limits = { maxNodes: 200_000 };

/**
 * What ran wins over what the editor shows; without it, the editor's format is converted. Errors:
 * `invalid_workflow`.
 */
export function readingOf(
  source: WorkflowSource,
  catalogue: NodeCatalogue | null,
): WorkflowReading {
  const { files, packs, converted } = readEditor(source, catalogue);
  const api = source.api ?? converted?.workflow ?? {};
  const parsed = parseWorkflow(api, limits);
  if (!parsed.ok) throw parsed.error;
  const isApi = source.api !== null;
  return {
    format: isApi ? "api" : "editor",
    api,
    workflow: parsed.value,
    files,
    packs,
    guessedClasses: isApi ? [] : (converted?.unknownClasses ?? []),
  };
}

function readEditor(
  { editor, api }: WorkflowSource,
  catalogue: NodeCatalogue | null,
): Pick<WorkflowReading, "files" | "packs"> & {
  readonly converted: Conversion | null;
} {
  if (editor === null) return { files: [], packs: new Map(), converted: null };
  const document = parseUiDocument(editor, limits);
  if (!document.ok) {
    if (api === null) throw document.error;
    return { files: [], packs: new Map(), converted: null };
  }
  const files = declaredModels(document.value);
  const packs = declaredPacks(document.value);
  if (api !== null) return { files, packs, converted: null };
  const converted = convertToApi(document.value, catalogue ?? new Map(), limits);
  if (!converted.ok) throw converted.error;
  return { files, packs, converted: converted.value };
}
