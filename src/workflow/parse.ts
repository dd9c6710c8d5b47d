import { HearthError } from "../kernel/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../kernel/json.ts";
import { err, ok, type Result } from "../kernel/result.ts";
import { NodeFaults } from "./node-faults.ts";
import { isUiFormat } from "./ui/document.ts";

export interface WorkflowNode {
  readonly classType: string;
  readonly inputs: JsonObject;
}

/** The nodes of an API-format workflow by id, in the order they were written. */
export type Workflow = ReadonlyMap<string, WorkflowNode>;

export interface WorkflowLimits {
  readonly maxNodes: number;
}

const maxNameLength = 300;

/**
 * Reads an API-format workflow. Errors: `workflow_format_ui` for one saved by the editor,
 * `invalid_workflow` naming each node and field that is wrong.
 */
export function parseWorkflow(
  value: JsonValue | undefined,
  limits: WorkflowLimits,
): Result<Workflow, HearthError> {
  if (!isJsonObject(value)) return err(invalid("workflow", "must be an object of nodes"));
  if (isUiFormat(value)) {
    return err(new HearthError("workflow_format_ui"));
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return err(invalid("workflow", "has no nodes"));
  if (entries.length > limits.maxNodes) {
    return err(invalid("workflow", `has more than ${limits.maxNodes} nodes`));
  }
  const faults = new NodeFaults();
  const nodes = new Map<string, WorkflowNode>();
  for (const [id, node] of entries) {
    const parsed = parseNode(id, node, faults);
    if (parsed !== undefined) nodes.set(id, parsed);
  }
  if (!isStorable(value)) return err(invalid("workflow", "holds a NUL or half a surrogate pair"));
  return faults.isEmpty ? ok(nodes) : err(faults.toError("invalid_workflow"));
}

function parseNode(id: string, node: JsonValue, faults: NodeFaults): WorkflowNode | undefined {
  const key = id.slice(0, maxNameLength);
  if (id === "" || id.length > maxNameLength) {
    faults.add(key, "id", `must have 1 to ${maxNameLength} characters`);
  } else if (!isJsonObject(node)) {
    faults.add(key, "node", "must be an object with class_type and inputs");
  } else if (typeof node.class_type !== "string" || node.class_type === "") {
    faults.add(key, "class_type", "missing_class_type");
  } else if (node.class_type.length > maxNameLength) {
    faults.add(key, "class_type", `must have at most ${maxNameLength} characters`);
  } else if (!isJsonObject(node.inputs)) {
    faults.add(key, "inputs", "must be an object");
  } else {
    return { classType: node.class_type, inputs: node.inputs };
  }
  return undefined;
}

function invalid(field: string, reason: string): HearthError {
  const message = `The ${field} ${reason}`;
  return new HearthError("invalid_workflow", { message, details: { field, reason } });
}

/** Postgres keeps neither NUL nor half a surrogate pair, so neither may be accepted. */
function isStorable(root: JsonValue): boolean {
  const pending: JsonValue[] = [root];
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (typeof value === "string") {
      if (!isStorableText(value)) return false;
    } else if (Array.isArray(value)) {
      for (const item of value as readonly JsonValue[]) pending.push(item);
    } else if (isJsonObject(value)) {
      for (const [key, item] of Object.entries(value)) {
        if (!isStorableText(key)) return false;
        pending.push(item);
      }
    }
  }
  return true;
}

function isStorableText(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}
