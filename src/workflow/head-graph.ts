import type { JsonObject } from "../kernel/json.ts";
import { linksOf } from "./links.ts";
import { runOrder } from "./order.ts";
import type { Workflow } from "./parse.ts";

export interface HeadGraphOptions {
  /** Nodes whose model files are not there yet. */
  readonly waiting: ReadonlySet<string>;
  /** Nodes whose model files are there: without one of them there is nothing worth beginning. */
  readonly loading: ReadonlySet<string>;
  readonly isOutput: (className: string) => boolean;
  /** An output class that takes any value and changes nothing. */
  readonly sinkClass: string;
  readonly sinkInput: string;
}

/** The part of a workflow that can run already. */
export interface HeadGraph {
  /** In API format, each loose end led into a sink, so that ComfyUI runs it. */
  readonly prompt: JsonObject;
  /** The workflow's own nodes in it. */
  readonly nodes: ReadonlySet<string>;
}

/**
 * The nodes that need no model file that is still missing, as a workflow of their own. ComfyUI
 * keeps what it makes of them, so that the whole workflow goes on from there: the files that are
 * missing can arrive meanwhile. Outputs are left out; they are made once, by the whole. Undefined
 * where nothing is worth beginning.
 */
export function headGraph(workflow: Workflow, options: HeadGraphOptions): HeadGraph | undefined {
  const { waiting, loading, isOutput, sinkClass, sinkInput } = options;
  const ready = new Set<string>();
  const isReady = (source: string): boolean => ready.has(source) || !workflow.has(source);
  for (const id of runOrder(workflow)) {
    const node = workflow.get(id);
    if (node === undefined || waiting.has(id) || isOutput(node.classType)) continue;
    if (linksOf(node).every(({ source }) => isReady(source))) ready.add(id);
  }
  const useful = [...ready].filter((id) => loading.has(id));
  if (useful.length === 0) return undefined;
  const prompt: Record<string, JsonObject> = {};
  for (const id of withSources(workflow, looseEnds(workflow, ready, new Set(useful)))) {
    const node = workflow.get(id);
    if (node !== undefined) prompt[id] = { class_type: node.classType, inputs: node.inputs };
  }
  const nodes = new Set(Object.keys(prompt));
  for (const [index, [source, slot]] of endsOf(workflow, nodes).entries()) {
    const inputs = { [sinkInput]: [source, slot] };
    prompt[`hearth-head-${index}`] = { class_type: sinkClass, inputs };
  }
  return { prompt, nodes };
}

/** Ready nodes that feed what is not ready, as far as a loaded model stands behind them. */
function looseEnds(
  workflow: Workflow,
  ready: ReadonlySet<string>,
  useful: ReadonlySet<string>,
): ReadonlySet<string> {
  const behind = new Set(useful);
  for (const id of runOrder(workflow)) {
    const node = workflow.get(id);
    if (node === undefined || !ready.has(id)) continue;
    if (linksOf(node).some(({ source }) => behind.has(source))) behind.add(id);
  }
  const fed = new Set<string>();
  for (const [id, node] of workflow) {
    if (ready.has(id)) continue;
    for (const { source } of linksOf(node)) if (behind.has(source)) fed.add(source);
  }
  return fed;
}

function withSources(workflow: Workflow, ends: ReadonlySet<string>): ReadonlySet<string> {
  const all = new Set<string>();
  const open = [...ends];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const node = workflow.get(id);
    if (node === undefined || all.has(id)) continue;
    all.add(id);
    open.push(...linksOf(node).map(({ source }) => source));
  }
  return all;
}

/** The outputs that leave `nodes`, each once. */
function endsOf(
  workflow: Workflow,
  nodes: ReadonlySet<string>,
): readonly (readonly [source: string, slot: number])[] {
  const ends = new Map<string, readonly [string, number]>();
  for (const [id, node] of workflow) {
    if (nodes.has(id)) continue;
    for (const { source, slot } of linksOf(node)) {
      if (nodes.has(source)) ends.set(`${source} ${slot}`, [source, slot]);
    }
  }
  return [...ends.values()];
}
