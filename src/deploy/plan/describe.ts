import type { JsonValue } from "../../kernel/json.ts";
import type { FieldChange } from "./field-changes.ts";
import type { PlanStep } from "./steps.ts";

const signs = { create: "+", update: "~", replace: "±", delete: "-" } as const;
/** Longer values are cut: a diff is to be read. */
const maxValueLength = 120;

/** A step in lines: what is done and why, and each field as it is found and as it is to be. */
export function describeStep(step: PlanStep): readonly string[] {
  const { kind, name } = step.action === "delete" ? step.found : step.resource;
  const head = `${signs[step.action]} ${step.action} ${kind} ${name}: ${step.reason}`;
  return [head, ...step.changes.map((change) => `    ${describeChange(change, step.action)}`)];
}

function describeChange({ path, found, wanted }: FieldChange, action: PlanStep["action"]): string {
  if (action === "create") return `${path}: ${shown(wanted)}`;
  return `${path}: ${shown(found)} -> ${shown(wanted)}`;
}

function shown(value: JsonValue | undefined): string {
  if (value === undefined) return "(absent)";
  const text = JSON.stringify(value);
  return text.length > maxValueLength ? `${text.slice(0, maxValueLength)}…` : text;
}

/** "2 to create, 1 to update", or "no changes". */
export function summarize(steps: readonly PlanStep[]): string {
  const parts = (Object.keys(signs) as (keyof typeof signs)[]).flatMap((action) => {
    const count = steps.filter((step) => step.action === action).length;
    return count === 0 ? [] : [`${count} to ${action}`];
  });
  return parts.length === 0 ? "no changes" : parts.join(", ");
}
