import { HearthError } from "../../kernel/errors.ts";
import { isJsonObject, type JsonValue } from "../../kernel/json.ts";
import { jobPriorities, type JobPriority } from "../../queue/queue-key.ts";

const maxLabels = 16;
const maxValueLength = 500;
const keyPattern = /^[A-Za-z0-9_.-]{1,40}$/u;
/** Control characters, and those that turn the direction of text around. */
const unsafePattern = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** The label that sets a job's priority, since Comfy API v2 has no field for it. */
const priorityLabel = "hearth.priority";

export interface Labels {
  readonly metadata: Readonly<Record<string, string>>;
  readonly priority: JobPriority;
}

/** Errors: `metadata_invalid` naming the label. */
export function readLabels(value: unknown): Labels {
  if (value === undefined || value === null) return { metadata: {}, priority: "normal" };
  if (!isJsonObject(value)) throw refused("metadata", "must be an object of text values");
  const entries = Object.entries(value);
  if (entries.length > maxLabels) throw refused("metadata", `has more than ${maxLabels} pairs`);
  for (const [key, label] of entries) requireLabel(key, label);
  const metadata = value as Readonly<Record<string, string>>;
  return { metadata, priority: priorityOf(metadata[priorityLabel]) };
}

function requireLabel(key: string, label: JsonValue): void {
  const field = `metadata.${key.slice(0, 60)}`;
  if (!keyPattern.test(key)) throw refused(field, "is not a label key");
  if (typeof label !== "string") throw refused(field, "must be text");
  if (label.length > maxValueLength) throw refused(field, `is over ${maxValueLength} characters`);
  if (unsafePattern.test(label)) throw refused(field, "holds control characters");
}

function priorityOf(label: string | undefined): JobPriority {
  if (label === undefined) return "normal";
  const found = jobPriorities.find((priority) => priority === label);
  if (found !== undefined) return found;
  throw refused(`metadata.${priorityLabel}`, `must be one of ${jobPriorities.join(", ")}`);
}

function refused(field: string, reason: string): HearthError {
  return new HearthError("metadata_invalid", {
    message: `${field} ${reason}`,
    details: { field, reason },
  });
}
