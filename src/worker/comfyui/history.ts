import { isJsonObject, type JsonObject, type JsonValue } from "../../kernel/json.ts";

/** How a prompt ended, as the history keeps it. */
export interface HistoryEntry {
  readonly status: "success" | "error" | "interrupted";
  readonly outputs: JsonObject;
  /** The data of the `execution_error` message that ended the run. */
  readonly error: JsonObject | null;
}

/** Reads the reply of `/history/{id}`; undefined while the prompt has not ended. */
export function parseHistory(reply: unknown, promptId: string): HistoryEntry | undefined {
  if (!isJsonObject(reply) || !Object.hasOwn(reply, promptId)) return undefined;
  const entry = reply[promptId];
  if (!isJsonObject(entry)) return undefined;
  const outputs = isJsonObject(entry["outputs"]) ? entry["outputs"] : {};
  const status = isJsonObject(entry["status"]) ? entry["status"] : {};
  // Servers of old wrote no status; they had an entry only for what had run to its end.
  if ((status["status_str"] ?? "success") === "success") {
    return { status: "success", outputs, error: null };
  }
  const messages = Array.isArray(status["messages"]) ? (status["messages"] as JsonValue[]) : [];
  let error: JsonObject | null = null;
  for (const message of messages) {
    const [event, data] = Array.isArray(message) ? (message as readonly JsonValue[]) : [];
    if (event === "execution_interrupted") return { status: "interrupted", outputs, error: null };
    if (event !== "execution_error" || !isJsonObject(data)) continue;
    if (data["exception_type"] !== "ExecutionBlocked") error = data;
  }
  return { status: "error", outputs, error };
}

/** Where the queue has a prompt, and whether anything is running at all. */
export interface QueuePlace {
  readonly place: "running" | "pending" | "absent";
  readonly isAnythingRunning: boolean;
}

/** Reads the reply of `/queue`, whose items are tuples with the prompt id in second place. */
export function parseQueue(reply: unknown, promptId: string): QueuePlace {
  const running = idsOf(reply, "queue_running");
  const isAnythingRunning = running.length > 0;
  if (running.includes(promptId)) return { place: "running", isAnythingRunning };
  const isPending = idsOf(reply, "queue_pending").includes(promptId);
  return { place: isPending ? "pending" : "absent", isAnythingRunning };
}

function idsOf(reply: unknown, key: string): readonly unknown[] {
  const items = isJsonObject(reply) ? reply[key] : undefined;
  if (!Array.isArray(items)) return [];
  return (items as readonly JsonValue[]).map((item) =>
    Array.isArray(item) ? (item as readonly JsonValue[])[1] : undefined,
  );
}
