import type { JsonValue } from "../../kernel/json.ts";
import { resolveSlot, type GraphNode, type PromptGraph } from "./prompt-graph.ts";
import { inputConfig, type InputConfig, type InputTable } from "../node-class.ts";
import * as errors from "./errors.ts";
import type { Fault, PromptError } from "./errors.ts";
import { checkLiteral, typesMatch } from "./literal.ts";

/** What validation found out about one node. */
export interface Verdict {
  readonly valid: boolean;
  /** Empty for a node that is only downstream of errors. */
  readonly errors: readonly PromptError[];
}

/** A node class as far as a prompt is held against it. */
export interface CheckedClass {
  readonly name: string;
  readonly required: InputTable;
  readonly optional?: InputTable;
  readonly outputs: readonly { readonly type: string }[];
  readonly isOutput?: boolean;
  /** Inputs that name a file of the input folder. */
  readonly fileInputs?: readonly string[];
  /** Why this class cannot run here at all. */
  readonly refusal?: string;
}

export interface WalkFacts {
  readonly graph: PromptGraph;
  /** The class of a node; undefined where there is none of the name. */
  readonly classOf: (node: GraphNode) => CheckedClass | undefined;
  /** The file names, as prompts spell them, that exist; null where nobody can tell. */
  readonly existingFiles: ReadonlySet<string> | null;
}

/** A node whose inputs are being looked at; `via` is the link that led here. */
interface Frame {
  readonly id: string;
  readonly definition: CheckedClass;
  readonly inputs: ReadonlyMap<string, JsonValue>;
  readonly names: readonly string[];
  readonly via: Via | undefined;
  readonly errors: PromptError[];
  readonly literals: Map<string, JsonValue>;
  next: number;
  valid: boolean;
}

interface Via {
  readonly name: string;
  readonly config: InputConfig;
  readonly link: JsonValue;
}

/**
 * Checks nodes and all that they depend on, depth first, without recursion: prompts may be chains
 * of any length. Verdicts and converted literals accumulate over the outputs of one prompt.
 */
export class ValidationWalk {
  readonly verdicts = new Map<string, Verdict>();
  /** Inputs by node, literals converted to their types; only for nodes without errors. */
  readonly checkedInputs = new Map<string, ReadonlyMap<string, JsonValue>>();
  readonly #facts: WalkFacts;
  readonly #stack: Frame[] = [];
  readonly #open = new Set<string>();

  constructor(facts: WalkFacts) {
    this.#facts = facts;
  }

  /** The verdict on an output node of the graph. */
  check(outputId: string): Verdict {
    const known = this.verdicts.get(outputId);
    if (known !== undefined) return known;
    this.#enter(outputId, undefined);
    for (let frame = this.#stack.at(-1); frame !== undefined; frame = this.#stack.at(-1)) {
      const name = frame.names[frame.next];
      frame.next++;
      if (name === undefined) this.#leave(frame);
      else this.#checkInput(frame, name);
    }
    return this.verdicts.get(outputId) ?? { valid: false, errors: [] };
  }

  #enter(id: string, via: Via | undefined): void {
    const node = this.#facts.graph.get(id);
    const definition = node === undefined ? undefined : this.#facts.classOf(node);
    if (node === undefined || definition === undefined) return;
    const names =
      definition.refusal === undefined
        ? [...Object.keys(definition.required), ...Object.keys(definition.optional ?? {})]
        : [];
    const inputs = node.inputs ?? new Map<string, JsonValue>();
    const errors: PromptError[] = [];
    const literals = new Map<string, JsonValue>();
    this.#stack.push({
      id,
      definition,
      inputs,
      names,
      via,
      errors,
      literals,
      next: 0,
      valid: true,
    });
    this.#open.add(id);
    if (node.inputs === undefined) this.#abort({ exceptionType: "KeyError", message: "'inputs'" });
  }

  #leave(frame: Frame): void {
    this.#stack.pop();
    this.#open.delete(frame.id);
    frame.errors.push(...customErrors(frame, this.#facts.existingFiles));
    const valid = frame.valid && frame.errors.length === 0;
    // A member of a cycle already has its verdict.
    if (!this.verdicts.has(frame.id)) {
      this.verdicts.set(frame.id, { valid, errors: frame.errors });
      if (valid) this.checkedInputs.set(frame.id, checkedInputs(frame));
    }
    const parent = this.#stack.at(-1);
    if (parent !== undefined && this.verdicts.get(frame.id)?.valid !== true) parent.valid = false;
  }

  /** Ends the node at hand as ComfyUI ends it on an exception. */
  #abort(fault: Fault): void {
    const frame = this.#stack.pop();
    if (frame === undefined) return;
    this.#open.delete(frame.id);
    const { via } = frame;
    const error =
      via === undefined
        ? errors.outputFault(fault)
        : errors.innerFault(fault, via.name, via.config, via.link);
    this.verdicts.set(frame.id, { valid: false, errors: [error] });
    const parent = this.#stack.at(-1);
    if (parent !== undefined) parent.valid = false;
  }

  #checkInput(frame: Frame, name: string): void {
    const config = inputConfig(frame.definition, name);
    if (config === undefined) return;
    const value = frame.inputs.get(name);
    if (value === undefined) {
      if (Object.hasOwn(frame.definition.required, name)) {
        frame.errors.push(errors.missingInput(name));
      }
    } else if (Array.isArray(value)) {
      this.#checkLink(frame, { name, config, link: value }, value);
    } else {
      const free = frame.definition.fileInputs?.includes(name) === true;
      const checked = checkLiteral(name, config, value, free);
      if (checked.ok) frame.literals.set(name, checked.value);
      else frame.errors.push(checked.error);
    }
  }

  #checkLink(frame: Frame, via: Via, link: readonly JsonValue[]): void {
    const [nodeId, slot] = link;
    if (link.length !== 2 || nodeId === undefined || slot === undefined) {
      frame.errors.push(errors.badLink(via.name, via.config, link));
      return;
    }
    const source = this.#resolve(nodeId, slot);
    if ("exceptionType" in source) {
      this.#abort(source);
      return;
    }
    if (!typesMatch(source.type, via.config[0])) {
      frame.errors.push(errors.typeMismatch(via.name, via.config, source.type, link));
      return;
    }
    const known = this.verdicts.get(source.id);
    if (known !== undefined) frame.valid &&= known.valid;
    else if (this.#open.has(source.id)) this.#closeCycle(source.id, frame);
    else this.#enter(source.id, via);
  }

  #resolve(nodeId: JsonValue, slot: JsonValue): { id: string; type: string } | Fault {
    const node = typeof nodeId === "string" ? this.#facts.graph.get(nodeId) : undefined;
    if (node === undefined) {
      return { exceptionType: "KeyError", message: errors.pythonText(nodeId) };
    }
    if (typeof slot !== "number" || !Number.isInteger(slot)) {
      const message = `tuple indices must be integers or slices, not ${errors.pythonType(slot)}`;
      return { exceptionType: "TypeError", message };
    }
    const outputs = this.#facts.classOf(node)?.outputs ?? [];
    const position = resolveSlot(slot, outputs.length);
    const output = position === undefined ? undefined : outputs[position];
    if (output === undefined) {
      return { exceptionType: "IndexError", message: "tuple index out of range" };
    }
    return { id: node.id, type: output.type };
  }

  #closeCycle(id: string, frame: Frame): void {
    const from = this.#stack.findIndex((open) => open.id === id);
    const members = this.#stack.slice(from);
    const ids = members.map((open) => open.id);
    const named = [...members, members[0] ?? frame];
    const path = named.map((open) => `${open.id} (${open.definition.name})`).join(" -> ");
    for (const member of ids) {
      this.verdicts.set(member, { valid: false, errors: [errors.cycle(member, ids, path)] });
    }
    frame.valid = false;
  }
}

function customErrors(frame: Frame, existingFiles: WalkFacts["existingFiles"]): PromptError[] {
  const { definition, literals } = frame;
  if (definition.refusal !== undefined) {
    const name = Object.keys(definition.required)[0] ?? "";
    return [errors.customFailure(name, definition.refusal)];
  }
  if (existingFiles === null) return [];
  return (definition.fileInputs ?? []).flatMap((name) => {
    const file = literals.get(name);
    if (file === undefined || (typeof file === "string" && existingFiles.has(file))) return [];
    const details = `${name} - Invalid image file: ${errors.plainText(file)}`;
    return [errors.customFailure(name, details)];
  });
}

/** The inputs that the node knows, literals converted; what it does not know is ignored. */
function checkedInputs(frame: Frame): ReadonlyMap<string, JsonValue> {
  const inputs = new Map<string, JsonValue>();
  for (const name of frame.names) {
    const value = frame.literals.get(name) ?? frame.inputs.get(name);
    if (value !== undefined) inputs.set(name, value);
  }
  return inputs;
}
