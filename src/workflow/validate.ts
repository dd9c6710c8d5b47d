import { HearthError } from "../kernel/errors.ts";
import { findCycle, linksOf } from "./links.ts";
import { nameSuggester } from "./nearest-name.ts";
import { NodeFaults } from "./node-faults.ts";
import type { Workflow } from "./parse.ts";

/** What a deployment's workers said of their node classes, by class name. */
export type ClassCatalogue = Readonly<
  Record<string, { readonly isOutput: boolean; readonly fileInputs: readonly string[] }>
>;

/**
 * Judges structure and classes: dangling links, bad slots, cycles, unknown classes, no output
 * node. Without a catalogue (no worker has been ready yet) only the structure. Undefined: sound.
 */
export function validateWorkflow(
  workflow: Workflow,
  catalogue: ClassCatalogue | null,
): HearthError | undefined {
  const faults = new NodeFaults();
  const suggest = catalogue === null ? undefined : nameSuggester(Object.keys(catalogue));
  for (const [id, node] of workflow) {
    for (const { input, source, slot } of linksOf(node)) {
      if (!workflow.has(source)) faults.add(id, input, missingNode(source));
      else if (!Number.isInteger(slot) || slot < 0) faults.add(id, input, "links to a bad slot");
    }
    if (catalogue !== null && !Object.hasOwn(catalogue, node.classType)) {
      faults.add(id, "class_type", unknownClass(node.classType, suggest?.(node.classType)));
    }
  }
  if (faults.isEmpty) addCycle(workflow, faults);
  if (!faults.isEmpty) return faults.toError("invalid_workflow");
  return catalogue === null || hasOutput(workflow, catalogue) ? undefined : noOutput();
}

function missingNode(id: string): string {
  return `links to node ${id.slice(0, 80)}, which is missing`;
}

function addCycle(workflow: Workflow, faults: NodeFaults): void {
  const cycle = findCycle(workflow);
  const [first] = cycle ?? [];
  if (cycle === undefined || first === undefined) return;
  const shown = [...cycle.slice(0, 8), ...(cycle.length > 8 ? ["…"] : []), first].join(" ← ");
  faults.add(first, "inputs", `is part of a cycle: ${shown}`);
}

function unknownClass(name: string, nearest: string | undefined): string {
  const shown = name.slice(0, 80);
  return nearest === undefined
    ? `unknown class ${shown}`
    : `unknown class ${shown}; did you mean ${nearest}?`;
}

function hasOutput(workflow: Workflow, catalogue: ClassCatalogue): boolean {
  return [...workflow.values()].some((node) => catalogue[node.classType]?.isOutput === true);
}

function noOutput(): HearthError {
  return new HearthError("invalid_workflow", {
    message: "The workflow has no output node",
    details: { field: "workflow", reason: "has no output node, such as SaveImage" },
  });
}
