import type { JsonObject, JsonValue } from "../../src/kernel/json.ts";
import { fingerprintOf } from "../../src/workflow/fingerprint.ts";
import { modelFolder, modelKey } from "../../src/workflow/model-ref.ts";
import type { NodeCatalogue } from "../../src/workflow/node-class.ts";
import { parseWorkflow, type Workflow } from "../../src/workflow/parse.ts";
import { requirementsOf, type Requirements } from "../../src/workflow/requirements.ts";
import { convertToApi } from "../../src/workflow/ui/convert.ts";
import { declaredModels, declaredPacks } from "../../src/workflow/ui/declared.ts";
import { parseUiDocument, type UiDocument, type UiNode } from "../../src/workflow/ui/document.ts";
import { openScopes } from "../../src/workflow/ui/scopes.ts";

/** What was found out about one workflow that somebody else made. */
export interface Judgement {
  readonly name: string;
  readonly nodes: number;
  /** Why it could not be read; null where it was. */
  readonly fault: string | null;
  /** Models of nodes that run: named by both, by the file only, by Hearth only. */
  readonly models: Agreement;
  /** Node classes that run: the file and Hearth name the same pack, or not. */
  readonly packs: Agreement;
  /** Classes that the catalogue does not have. */
  readonly unknownClasses: readonly string[];
  readonly comparison: Comparison;
}

export interface Agreement {
  readonly agreed: readonly string[];
  readonly fileOnly: readonly string[];
  readonly oursOnly: readonly string[];
}

export type Comparison = "same" | "same but for editor inputs" | "different" | "none";

const limits = { maxNodes: 100_000 };
const nothing: Agreement = { agreed: [], fileOnly: [], oursOnly: [] };

/** Inputs that only the editor's own widgets have; no node reads them. */
const editorInputs: Readonly<Record<string, readonly string[]>> = {
  SaveGLB: ["image"],
  Load3D: ["image"],
  Preview3D: ["image"],
  Preview3DAdvanced: ["viewport_state"],
  Save3DAdvanced: ["viewport_state"],
};

/** `reference`: what the editor itself exports for the file, where it is known. */
export function judge(
  name: string,
  value: JsonValue,
  catalogue: NodeCatalogue | null,
  reference: JsonObject | null,
): Judgement {
  const failed = (fault: string): Judgement => {
    return {
      name,
      nodes: 0,
      fault,
      models: nothing,
      packs: nothing,
      unknownClasses: [],
      comparison: "none",
    };
  };
  const document = parseUiDocument(value, limits);
  if (!document.ok) return failed(document.error.message);
  const converted = convertToApi(document.value, catalogue ?? new Map(), limits);
  if (!converted.ok) return failed(converted.error.message);
  const api: JsonObject = converted.value.workflow;
  // A page of notes is a workflow that runs nothing.
  const workflow = Object.keys(api).length === 0 ? new Map() : read(api);
  if (typeof workflow === "string") return failed(workflow);
  const needs = requirementsOf(workflow, catalogue, {
    files: declaredModels(document.value),
    namedPacks: declaredPacks(document.value),
  });
  const running = runningNodes(document.value, api);
  return {
    name,
    nodes: workflow.size,
    fault: null,
    models: compareModels(running, needs),
    packs: comparePacks(running, needs, catalogue),
    unknownClasses: converted.value.unknownClasses,
    comparison: reference === null ? "none" : compare(api, reference),
  };
}

function read(api: JsonObject): Workflow | string {
  const parsed = parseWorkflow(api, limits);
  return parsed.ok ? parsed.value : parsed.error.message;
}

function runningNodes(document: UiDocument, api: JsonObject): readonly UiNode[] {
  return (openScopes(document, limits) ?? []).flatMap(({ prefix, graph }) =>
    [...graph.nodes.values()].filter(({ id }) => Object.hasOwn(api, prefix + id)),
  );
}

function compareModels(running: readonly UiNode[], needs: Requirements): Agreement {
  const ours = new Set(needs.models.map(modelKey));
  const declared = new Set<string>();
  for (const { properties } of running) {
    for (const entry of Array.isArray(properties["models"]) ? properties["models"] : []) {
      const { name, directory } = entry as { readonly name: string; readonly directory: string };
      declared.add(modelKey({ folder: modelFolder(directory), filename: name }));
    }
  }
  return sets(declared, ours);
}

/** By class: who the file says brings it, against what the catalogue says. */
function comparePacks(
  running: readonly UiNode[],
  needs: Requirements,
  catalogue: NodeCatalogue | null,
): Agreement {
  const declared = new Set<string>();
  const ours = new Set<string>();
  for (const { type, properties } of running) {
    const id = properties["cnr_id"];
    // Only a catalogue says something that the file does not say itself.
    if (typeof id !== "string" || catalogue?.has(type) !== true) continue;
    const need = needs.packs.find(({ classType }) => classType === type);
    declared.add(`${type} of ${id}`);
    const found = need === undefined ? "comfy-core" : (need.candidates[0]?.id ?? "?");
    ours.add(`${type} of ${found}`);
  }
  return sets(declared, ours);
}

function sets(declared: ReadonlySet<string>, ours: ReadonlySet<string>): Agreement {
  return {
    agreed: [...declared].filter((each) => ours.has(each)),
    fileOnly: [...declared].filter((each) => !ours.has(each)),
    oursOnly: [...ours].filter((each) => !declared.has(each)),
  };
}

function compare(api: JsonObject, reference: JsonObject): Comparison {
  const [ours, theirs] = [bare(api, false), bare(reference, false)];
  if (fingerprint(ours) === fingerprint(theirs)) return "same";
  const isAlike = fingerprint(bare(api, true)) === fingerprint(bare(reference, true));
  return isAlike ? "same but for editor inputs" : "different";
}

/** Without titles, which are no part of what runs. */
function bare(api: JsonObject, withoutEditorInputs: boolean): JsonObject {
  return Object.fromEntries(
    Object.entries(api).map(([id, node]) => {
      const { class_type, inputs } = node as { class_type: string; inputs: JsonObject };
      const left = withoutEditorInputs ? (editorInputs[class_type] ?? []) : [];
      const kept = Object.entries(inputs).filter(([name]) => !left.includes(name));
      return [id, { class_type, inputs: Object.fromEntries(kept) }];
    }),
  );
}

function fingerprint(api: JsonObject): string {
  const parsed = Object.keys(api).length === 0 ? new Map() : read(api);
  return typeof parsed === "string" ? parsed : fingerprintOf(parsed, "exact");
}
