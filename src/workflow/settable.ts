import type { JsonValue } from "../kernel/json.ts";
import { inputKind, type InputKind } from "./input-kind.ts";
import { asLink } from "./links.ts";
import { inputConfig, type NodeCatalogue } from "./node-class.ts";
import type { Workflow } from "./parse.ts";

/** A value of a workflow that a caller may replace. */
export interface SettableInput {
  readonly nodeId: string;
  readonly classType: string;
  readonly input: string;
  readonly kind: InputKind;
  /** As the catalogue calls it, such as `INT`; null without the node's class. */
  readonly type: string | null;
  readonly value: JsonValue;
}

/** A node whose results the caller gets. */
export interface OutputNode {
  readonly nodeId: string;
  readonly classType: string;
}

/** Every literal of a workflow, in the order written. */
export function settableInputs(
  workflow: Workflow,
  catalogue: NodeCatalogue | null,
): readonly SettableInput[] {
  const found: SettableInput[] = [];
  for (const [nodeId, { classType, inputs }] of workflow) {
    const definition = catalogue?.get(classType);
    for (const [input, value] of Object.entries(inputs)) {
      if (asLink(value) !== undefined) continue;
      const config = definition === undefined ? undefined : inputConfig(definition, input);
      const type =
        config === undefined ? null : typeof config[0] === "string" ? config[0] : "COMBO";
      const kind = inputKind(classType, input, value, definition);
      found.push({ nodeId, classType, input, kind, type, value });
    }
  }
  return found;
}

/** The output nodes; without a catalogue those that feed no other node. */
export function outputNodes(
  workflow: Workflow,
  catalogue: NodeCatalogue | null,
): readonly OutputNode[] {
  const consumed = new Set<string>();
  if (catalogue === null) {
    for (const { inputs } of workflow.values()) {
      for (const value of Object.values(inputs)) {
        const link = asLink(value);
        if (link !== undefined) consumed.add(link[0]);
      }
    }
  }
  return [...workflow]
    .filter(([nodeId, { classType }]) =>
      catalogue === null ? !consumed.has(nodeId) : catalogue.get(classType)?.isOutput === true,
    )
    .map(([nodeId, { classType }]) => ({ nodeId, classType }));
}
