import type { ErrorCode } from "../kernel/error-table.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../kernel/json.ts";
import type { FailRequest } from "../protocol/worker-link.ts";

/** Why an attempt failed, and what ComfyUI needs before it takes another. */
export interface Failure {
  readonly failureClass: FailRequest["failureClass"];
  readonly error: FailRequest["error"];
  readonly remedy: "none" | "free_memory" | "restart";
}

const maxMessageLength = 4_000;
const maxTracebackLength = 20_000;

const outOfMemory = /ran out of memory|out of memory|DefaultCPUAllocator: (?:can't|not enough)/iu;
/** After one of these every later call on the device fails too: only a new process helps. */
const stickyFault =
  /CUDA error: (?:an illegal memory access|device-side assert|unspecified launch failure|misaligned address)|device-side assert triggered|CUBLAS_STATUS_EXECUTION_FAILED|\bXid\b|\bECC error|uncorrectable ECC/iu;

/** What the data of an `execution_error` message means. */
export function classifyExecutionError(data: JsonObject | null): Failure {
  const message =
    textOf(data?.["exception_message"]) || "ComfyUI reported an error without a message";
  const type = textOf(data?.["exception_type"]);
  const at = {
    nodeId: textOf(data?.["node_id"]) || null,
    classType: textOf(data?.["node_type"]) || null,
    traceback: tracebackOf(data?.["traceback"]),
  };
  if (isOutOfMemory(type, message)) {
    return failure("out_of_memory", "out_of_memory", message, "free_memory", at);
  }
  if (stickyFault.test(message)) {
    return failure("transient", "gpu_fault", message, "restart", at);
  }
  const named = type === "" ? message : `${type}: ${message}`;
  return failure("user", "node_execution_error", named, "none", at);
}

function isOutOfMemory(type: string, message: string): boolean {
  if (type.includes("OutOfMemoryError") || outOfMemory.test(message)) return true;
  return type.endsWith("AcceleratorError") && /\bcode\W{0,3}2\b/u.test(message);
}

/** A run that was interrupted although we did not ask for it. */
export function interruptedFromOutside(): Failure {
  const message = "The run was interrupted from outside.";
  return failure("transient", "comfyui_crashed", message, "none");
}

/** What a refusal by `POST /prompt` means, or node errors that came with its acceptance. */
export function classifyRejection(status: number, reply: unknown): Failure {
  const body = isJsonObject(reply) ? reply : {};
  const complaints = nodeComplaints(body["node_errors"]);
  const [first] = complaints;
  const code: ErrorCode = /built-in engine runs no models/iu.test(JSON.stringify(body))
    ? "engine_model_unsupported"
    : "prompt_rejected";
  if (first === undefined) {
    const error = isJsonObject(body["error"]) ? body["error"] : {};
    const extra = isJsonObject(error["extra_info"]) ? error["extra_info"] : {};
    const nodeId = textOf(extra["node_id"]) || null;
    const classType = textOf(extra["class_type"]) || null;
    const reason = Object.hasOwn(body, "error")
      ? sentenceOf(error)
      : `ComfyUI answered HTTP ${status}`;
    return failure("user", code, reason, "none", { nodeId, classType, traceback: null });
  }
  const others = complaints.length > 1 ? ` (and ${complaints.length - 1} more)` : "";
  const where = `Node ${first.nodeId} (${first.classType})`;
  const { nodeId, classType } = first;
  const at = { nodeId, classType, traceback: null };
  return failure("user", code, `${where}: ${first.reason}${others}`, "none", at);
}

interface NodeComplaint {
  readonly nodeId: string;
  readonly classType: string;
  readonly reason: string;
}

function nodeComplaints(nodeErrors: JsonValue | undefined): readonly NodeComplaint[] {
  if (!isJsonObject(nodeErrors)) return [];
  return Object.entries(nodeErrors).flatMap(([nodeId, node]) => {
    if (!isJsonObject(node)) return [];
    const errors = Array.isArray(node["errors"]) ? (node["errors"] as readonly JsonValue[]) : [];
    const classType = textOf(node["class_type"]);
    return errors
      .filter(isJsonObject)
      .map((one) => ({ nodeId, classType, reason: sentenceOf(one) }));
  });
}

function sentenceOf(error: JsonObject): string {
  const message = textOf(error["message"]) || textOf(error["type"]) || "refused without a reason";
  const details = textOf(error["details"]);
  if (details === "" || message.includes(details)) return message;
  return message.endsWith(".") ? `${message} ${details}` : `${message}: ${details}`;
}

/** A failure with every text cut to what the gateway accepts. */
export function failure(
  failureClass: Failure["failureClass"],
  code: ErrorCode,
  message: string,
  remedy: Failure["remedy"] = "none",
  at: Pick<Failure["error"], "nodeId" | "classType" | "traceback"> = nowhere,
): Failure {
  const nodeId = at.nodeId?.slice(0, 300) ?? null;
  const classType = at.classType?.slice(0, 300) ?? null;
  // The end of a traceback says where it happened.
  const traceback = at.traceback?.slice(-maxTracebackLength) ?? null;
  const text = message.trim().slice(0, maxMessageLength);
  return { failureClass, error: { code, message: text, nodeId, classType, traceback }, remedy };
}

const nowhere = { nodeId: null, classType: null, traceback: null };

function tracebackOf(value: JsonValue | undefined): string | null {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return null;
  return (value as readonly JsonValue[]).filter((line) => typeof line === "string").join("");
}

function textOf(value: JsonValue | undefined): string {
  if (typeof value === "number") return String(value);
  return typeof value === "string" ? value : "";
}
