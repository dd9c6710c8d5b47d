import { isJsonObject, type JsonValue } from "../kernel/json.ts";
import { fileInputsOf } from "./file-inputs.ts";
import { asLink } from "./links.ts";
import type { Workflow } from "./parse.ts";
import type { ClassCatalogue } from "./validate.ts";

/** A place in a workflow that names a file of the caller. */
export interface AssetReference {
  readonly nodeId: string;
  readonly field: string;
  /** Leads from the workflow to the value. */
  readonly path: readonly (string | number)[];
  readonly target:
    | { readonly kind: "id"; readonly assetId: string }
    | { readonly kind: "path"; readonly filePath: string }
    | { readonly kind: "malformed"; readonly reason: string };
}

/** Every `core/ASSET` object, wherever it stands, and every bare file name in a file input. */
export function findAssetReferences(
  workflow: Workflow,
  catalogue: ClassCatalogue | null,
): readonly AssetReference[] {
  const found: AssetReference[] = [];
  for (const [nodeId, node] of workflow) {
    const isKnown = catalogue !== null && Object.hasOwn(catalogue, node.classType);
    const fileInputs = fileInputsOf(
      node.classType,
      isKnown ? catalogue[node.classType] : undefined,
    );
    for (const [field, value] of Object.entries(node.inputs)) {
      const path = [nodeId, "inputs", field];
      if (fileInputs.includes(field) && typeof value === "string") {
        found.push({
          nodeId,
          field,
          path,
          target: { kind: "path", filePath: withoutPlace(value) },
        });
      } else {
        collect(nodeId, field, path, value, found);
      }
    }
  }
  return found;
}

/** ComfyUI lets a name end in the place it is looked for in, as in `photo.png [input]`. */
function withoutPlace(name: string): string {
  return name.replace(/ \[input\]$/u, "");
}

/** Looks through a value without recursion; plain values are passed over, since lists may be long. */
function collect(
  nodeId: string,
  field: string,
  path: readonly (string | number)[],
  root: JsonValue,
  found: AssetReference[],
): void {
  const pending: { readonly path: readonly (string | number)[]; readonly value: JsonValue }[] = [];
  const look = (at: readonly (string | number)[], key: string | number, value: JsonValue): void => {
    if (typeof value === "object" && value !== null) pending.push({ path: [...at, key], value });
  };
  if (typeof root === "object" && root !== null) pending.push({ path, value: root });
  for (let here = pending.pop(); here !== undefined; here = pending.pop()) {
    const { path: at, value } = here;
    if (Array.isArray(value)) {
      if (asLink(value) !== undefined) continue;
      for (const [index, item] of (value as readonly JsonValue[]).entries()) look(at, index, item);
    } else if (isJsonObject(value)) {
      if (value.__type === "core/ASSET") {
        found.push({ nodeId, field, path: at, target: targetOf(value.info) });
        continue;
      }
      for (const [key, item] of Object.entries(value)) look(at, key, item);
    }
  }
}

function targetOf(info: JsonValue | undefined): AssetReference["target"] {
  if (!isJsonObject(info)) return { kind: "malformed", reason: "info must be an object" };
  return typeof info.id === "string" && info.id !== ""
    ? { kind: "id", assetId: info.id }
    : { kind: "malformed", reason: "info.id must be the id of an asset" };
}
