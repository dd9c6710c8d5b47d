import { fieldChanges, type FieldChange } from "./field-changes.ts";
import type { FoundResource, Resource } from "./resource.ts";

/** One thing to do, with its reason. */
export type PlanStep =
  | {
      readonly action: "create";
      readonly resource: Resource;
      readonly changes: readonly FieldChange[];
      readonly reason: string;
    }
  | {
      readonly action: "update" | "replace";
      readonly resource: Resource;
      readonly found: FoundResource;
      readonly changes: readonly FieldChange[];
      readonly reason: string;
    }
  | {
      readonly action: "delete";
      readonly found: FoundResource;
      readonly changes: readonly FieldChange[];
      readonly reason: string;
    };

export interface PlanOfSteps {
  readonly steps: readonly PlanStep[];
  /** Names that are taken by what is not ours, as sentences; nothing is applied over them. */
  readonly conflicts: readonly string[];
}

/**
 * What is to be done so that what is found becomes what is wanted: first what is wanted, in its
 * order, then what is ours and wanted no more, the last found first.
 */
export function planSteps(
  deployment: string,
  wanted: readonly Resource[],
  found: readonly FoundResource[],
): PlanOfSteps {
  const foundByKey = new Map(found.map((each) => [keyOf(each), each]));
  const wantedKeys = new Set(wanted.map(keyOf));
  const conflicts = wanted.flatMap((each) => {
    const there = foundByKey.get(keyOf(each));
    if (there === undefined || there.deployment === deployment) return [];
    const whose = there.deployment === null ? "nobody's here" : `that of ${there.deployment}`;
    return [`the ${each.kind} ${each.name} is there and ${whose}`];
  });
  const steps = wanted.flatMap((each) => stepFor(each, foundByKey.get(keyOf(each))) ?? []);
  const left = found.filter(
    (each) => each.deployment === deployment && !wantedKeys.has(keyOf(each)),
  );
  return { steps: [...steps, ...left.toReversed().map(deletion)], conflicts };
}

/** What is left of a deployment that is to go. */
export function planRemoval(
  deployment: string,
  found: readonly FoundResource[],
): readonly PlanStep[] {
  return planSteps(deployment, [], found).steps;
}

function stepFor(resource: Resource, found: FoundResource | undefined): PlanStep | undefined {
  if (found === undefined) {
    const changes = fieldChanges(resource.fields, {});
    return { action: "create", resource, changes, reason: "it is not there" };
  }
  const changes = fieldChanges(resource.fields, found.fields, resource.closed);
  if (changes.length === 0) return undefined;
  const fixed = changes.find(({ path }) => isUnder(path, resource.fixed ?? []));
  if (fixed !== undefined) {
    const reason = `${fixed.path} cannot be changed in place`;
    return { action: "replace", resource, found, changes, reason };
  }
  const reason = changes.length === 1 ? "a field differs" : `${changes.length} fields differ`;
  return { action: "update", resource, found, changes, reason };
}

function deletion(found: FoundResource): PlanStep {
  return { action: "delete", found, changes: [], reason: "nothing asks for it any more" };
}

function isUnder(path: string, roots: readonly string[]): boolean {
  return roots.some(
    (root) => path === root || path.startsWith(`${root}.`) || path.startsWith(`${root}[`),
  );
}

function keyOf({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return `${kind}/${name}`;
}
