import { parseDurationMs } from "../../kernel/duration.ts";
import { HearthError } from "../../kernel/errors.ts";
import { isJsonObject, type JsonValue } from "../../kernel/json.ts";
import { jobPriorities, type JobPriority } from "../../queue/queue-key.ts";

const maxLabels = 16;
const maxValueLength = 500;
const keyPattern = /^[A-Za-z0-9_.-]{1,40}$/u;
/** Control characters, and those that turn the direction of text around. */
const unsafePattern = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** Labels that place a job in the queue, since Comfy API v2 has no fields for it. */
const priorityLabel = "hearth.priority";
const deadlineLabel = "hearth.deadline";
const longestWishMs = 7 * 86_400_000;

export interface Labels {
  readonly metadata: Readonly<Record<string, string>>;
  /** Null: the caller does not say. */
  readonly priority: JobPriority | null;
  /** How soon the caller wishes to have the result; null: no wish. */
  readonly dueInMs: number | null;
}

const noLabels: Labels = { metadata: {}, priority: null, dueInMs: null };

/** Errors: `metadata_invalid` naming the label. */
export function readLabels(value: unknown): Labels {
  if (value === undefined || value === null) return noLabels;
  if (!isJsonObject(value)) throw refused("metadata", "must be an object of text values");
  const entries = Object.entries(value);
  if (entries.length > maxLabels) throw refused("metadata", `has more than ${maxLabels} pairs`);
  for (const [key, label] of entries) requireLabel(key, label);
  const metadata = value as Readonly<Record<string, string>>;
  return {
    metadata,
    priority: priorityOf(metadata[priorityLabel]),
    dueInMs: dueInMsOf(metadata[deadlineLabel]),
  };
}

function requireLabel(key: string, label: JsonValue): void {
  const field = `metadata.${key.slice(0, 60)}`;
  if (!keyPattern.test(key)) throw refused(field, "is not a label key");
  if (typeof label !== "string") throw refused(field, "must be text");
  if (label.length > maxValueLength) throw refused(field, `is over ${maxValueLength} characters`);
  if (unsafePattern.test(label)) throw refused(field, "holds control characters");
}

/** By name, or by number: 1 is low, 4 is critical. */
function priorityOf(label: string | undefined): JobPriority | null {
  if (label === undefined) return null;
  const found = jobPriorities.find(
    (priority, index) => priority === label || String(index + 1) === label,
  );
  if (found !== undefined) return found;
  const reason = `must be one of ${jobPriorities.join(", ")}, or a number from 1 to 4`;
  throw refused(`metadata.${priorityLabel}`, reason);
}

function dueInMsOf(label: string | undefined): number | null {
  if (label === undefined) return null;
  const parsed = parseDurationMs(label);
  if (!parsed.ok) throw refused(`metadata.${deadlineLabel}`, `must be a duration such as 90s`);
  if (parsed.value < 1 || parsed.value > longestWishMs) {
    throw refused(`metadata.${deadlineLabel}`, "must be between 1ms and 7d");
  }
  return parsed.value;
}

function refused(field: string, reason: string): HearthError {
  return new HearthError("metadata_invalid", {
    message: `${field} ${reason}`,
    details: { field, reason },
  });
}
