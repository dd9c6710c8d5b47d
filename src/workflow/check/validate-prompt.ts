import type { JsonValue } from "../../kernel/json.ts";
import { err, ok, type Result } from "../../kernel/result.ts";
import type { GraphNode } from "./prompt-graph.ts";
import { noOutputs, promptError, type NodeErrors, type PromptError } from "./errors.ts";
import { ValidationWalk, type Verdict, type WalkFacts } from "./walk.ts";

/** Bounds of an error reply, which would otherwise grow with the square of a broken prompt. */
const maxReportedNodes = 1000;
const maxVisits = 1_000_000;

export interface ValidPrompt {
  /** The output nodes that can run, in the prompt's order. */
  readonly outputs: readonly string[];
  /** The checked inputs of every node that those outputs need. */
  readonly inputs: ReadonlyMap<string, ReadonlyMap<string, JsonValue>>;
  /** Errors of other outputs, which are dropped. */
  readonly nodeErrors: Readonly<Record<string, NodeErrors>>;
}

export interface InvalidPrompt {
  readonly error: PromptError;
  readonly nodeErrors: Readonly<Record<string, NodeErrors>>;
}

export interface PromptFacts extends WalkFacts {
  /** What to add where a class does not exist; undefined for nothing. */
  readonly hintFor: (className: string) => string | undefined;
  /** Only these outputs are wanted; all of them when absent. */
  readonly targets: ReadonlySet<string> | undefined;
}

/**
 * Decides what of a prompt can run. Like ComfyUI it drops outputs with errors as long as one
 * output is good.
 */
export function validatePrompt(facts: PromptFacts): Result<ValidPrompt, InvalidPrompt> {
  const { graph, classOf, hintFor, targets } = facts;
  const outputs: string[] = [];
  for (const node of graph.values()) {
    const definition = classOf(node);
    if (definition === undefined)
      return err({ error: missingClass(node, hintFor), nodeErrors: {} });
    const wanted = targets === undefined || targets.has(node.id);
    if (definition.isOutput === true && wanted) outputs.push(node.id);
  }
  if (outputs.length === 0) return err({ error: noOutputs, nodeErrors: {} });

  const walk = new ValidationWalk(facts);
  const verdicts = outputs.map((id) => ({ id, verdict: walk.check(id) }));
  const good = verdicts.filter(({ verdict }) => verdict.valid).map(({ id }) => id);
  const bad = verdicts.filter(({ verdict }) => !verdict.valid);
  const nodeErrors = collectErrors(
    walk.verdicts,
    bad.map(({ id }) => id),
    graph,
  );
  if (good.length > 0) return ok({ outputs: good, inputs: walk.checkedInputs, nodeErrors });
  const details = bad
    .flatMap(({ verdict }) => verdict.errors)
    .slice(0, maxReportedNodes)
    .map(({ message, details: reason }) => `${message}: ${reason}`)
    .join("\n");
  const message = "Prompt outputs failed validation";
  const error = promptError("prompt_outputs_failed_validation", message, details);
  return err({ error, nodeErrors });
}

function missingClass(
  { id, className, title }: GraphNode,
  hintFor: PromptFacts["hintFor"],
): PromptError {
  const details = `Node ID '#${id}'`;
  if (className === undefined) {
    const name = title ?? `ID #${id}`;
    const message = `Node '${name}' has no class_type. The workflow may be corrupted or a custom node is missing.`;
    const extra = { node_id: id, class_type: null, node_title: title ?? null };
    return promptError("missing_node_type", message, details, extra);
  }
  const name = title ?? className;
  const hint = hintFor(className);
  const more = hint === undefined ? "" : ` ${hint}`;
  const message = `Node '${name}' not found. The custom node may not be installed.${more}`;
  const extra = { node_id: id, class_type: className, node_title: name };
  return promptError("missing_node_type", message, details, extra);
}

function collectErrors(
  verdicts: ReadonlyMap<string, Verdict>,
  badOutputs: readonly string[],
  graph: PromptFacts["graph"],
): Record<string, NodeErrors> {
  const dependents = new Map<string, string[]>();
  let visits = 0;
  for (const output of badOutputs) {
    const seen = new Set([output]);
    // The set grows while it is walked: these are the nodes that the output depends on.
    for (const id of seen) {
      visits++;
      const verdict = verdicts.get(id);
      if (visits > maxVisits || verdict === undefined || verdict.valid) continue;
      if (verdict.errors.length > 0) addTo(dependents, id, output);
      for (const value of graph.get(id)?.inputs?.values() ?? []) {
        if (Array.isArray(value) && typeof value[0] === "string") seen.add(value[0]);
      }
    }
  }
  const faulty = [...dependents].slice(0, maxReportedNodes);
  // `fromEntries` defines own properties, so "__proto__" is an id like any other.
  return Object.fromEntries(
    faulty.map(([id, outputs]): [string, NodeErrors] => [
      id,
      {
        errors: verdicts.get(id)?.errors ?? [],
        dependent_outputs: outputs,
        class_type: graph.get(id)?.className ?? "",
      },
    ]),
  );
}

function addTo(lists: Map<string, string[]>, key: string, value: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
