import { createHash } from "node:crypto";
import type { JsonValue } from "../kernel/json.ts";
import { asLink } from "../workflow/check/prompt-graph.ts";
import { planOrder, type CheckedInputs } from "./order.ts";

export interface KeyFacts {
  readonly inputs: CheckedInputs;
  readonly classNames: ReadonlyMap<string, string>;
  /** What a node's files contain, by node id; absent for nodes without files. */
  readonly fingerprints: ReadonlyMap<string, string>;
  readonly outputs: readonly string[];
}

/**
 * A key for each node that the outputs need: equal keys mean equal results. It covers the class,
 * the inputs, the content of named files, and the same of all ancestors.
 */
export function computeCacheKeys(facts: KeyFacts): Map<string, string> {
  const keys = new Map<string, string>();
  for (const id of planOrder(facts.inputs, facts.outputs)) {
    const parts: JsonValue[] = [
      facts.classNames.get(id) ?? "",
      facts.fingerprints.get(id) ?? "",
      ...inputParts(facts.inputs.get(id), keys),
    ];
    keys.set(id, createHash("sha256").update(JSON.stringify(parts)).digest("base64"));
  }
  return keys;
}

function inputParts(
  inputs: ReadonlyMap<string, JsonValue> | undefined,
  keys: ReadonlyMap<string, string>,
): JsonValue[] {
  const entries = [...(inputs ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, value]) => {
    const link = asLink(value);
    if (link === undefined) return [name, "value", value];
    return [name, "link", keys.get(link.nodeId) ?? "", link.slot];
  });
}
