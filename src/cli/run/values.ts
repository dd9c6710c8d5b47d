import type { JsonObject, JsonValue } from "../../kernel/json.ts";
import { parseLosslessJson } from "../../kernel/lossless-json.ts";
import { err, ok, type Result } from "../../kernel/result.ts";

/** A value for one input of one node. */
export interface InputAssignment {
  /** A node's id, or its class where only one node has it. */
  readonly node: string;
  readonly input: string;
  readonly value:
    | { readonly kind: "value"; readonly value: JsonValue }
    | { readonly kind: "file"; readonly path: string };
}

const form = "write node.input=value, such as 3.seed=7 or 10.image=@photo.png";

/** Reads `3.seed=7`: JSON where it is JSON, text otherwise. */
export function parseSet(text: string): Result<InputAssignment, string> {
  return parse(text, (raw) => {
    try {
      return { kind: "value", value: parseLosslessJson(raw) };
    } catch {
      return { kind: "value", value: raw };
    }
  });
}

/** Reads `10.image=@photo.png` as a file and `6.text=a cat` as text. */
export function parseInput(text: string): Result<InputAssignment, string> {
  return parse(text, (raw) =>
    raw.startsWith("@") ? { kind: "file", path: raw.slice(1) } : { kind: "value", value: raw },
  );
}

function parse(
  text: string,
  read: (raw: string) => InputAssignment["value"],
): Result<InputAssignment, string> {
  // Ids such as "10:3" hold no dot, and no input name does.
  const [, node, input, raw] = /^([^=]+)\.([^.=]+)=([\s\S]*)$/u.exec(text) ?? [];
  if (node === undefined || input === undefined || raw === undefined) {
    return err(`"${text}" is not an input; ${form}`);
  }
  const value = read(raw);
  return value.kind === "file" && value.path === ""
    ? err(`"${text}" names no file after the @`)
    : ok({ node, input, value });
}

/** Reads `k=v` pairs; a key may not occur twice. */
export function parsePairs(texts: readonly string[]): Result<Record<string, string>, string> {
  const pairs: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const text of texts) {
    const at = text.indexOf("=");
    if (at < 1) return err(`"${text}" is not a pair; write key=value`);
    const key = text.slice(0, at);
    if (Object.hasOwn(pairs, key)) return err(`the key "${key}" occurs twice`);
    pairs[key] = text.slice(at + 1);
  }
  return ok({ ...pairs });
}

/** Sets one input in a copy of the workflow. The error names what the workflow does have. */
export function assignInput(
  workflow: JsonObject,
  assignment: { readonly node: string; readonly input: string; readonly value: JsonValue },
): Result<JsonObject, string> {
  const found = findNode(workflow, assignment.node);
  if (!found.ok) return found;
  const nodeId = found.value;
  const node = workflow[nodeId] as JsonObject;
  const inputs = (node["inputs"] ?? {}) as JsonObject;
  const changed = { ...node, inputs: { ...inputs, [assignment.input]: assignment.value } };
  return ok({ ...workflow, [nodeId]: changed });
}

function findNode(workflow: JsonObject, name: string): Result<string, string> {
  if (Object.hasOwn(workflow, name)) return ok(name);
  const byClass = Object.entries(workflow).filter(([, node]) => classOf(node) === name);
  const [only, another] = byClass;
  if (only !== undefined && another === undefined) return ok(only[0]);
  if (another !== undefined) {
    const ids = byClass.map(([id]) => id).join(", ");
    return err(`the workflow has ${byClass.length} nodes of class ${name}: ${ids}; name one by id`);
  }
  const all = Object.entries(workflow).slice(0, 12);
  const list = all.map(([id, node]) => `${id} (${classOf(node)})`).join(", ");
  return err(`the workflow has no node ${name}; it has ${list}`);
}

function classOf(node: JsonValue | undefined): string {
  const type = typeof node === "object" && node !== null && "class_type" in node && node.class_type;
  return typeof type === "string" ? type : "no class";
}
