import type { JsonObject } from "../../kernel/json.ts";
import { blake3Hex } from "../../kernel/blake3.ts";
import type { DeploymentPlan, RenderedFile } from "../manifests/deployment-plan.ts";

/** One thing that a platform keeps for a deployment, as it is to be. */
export interface Resource {
  /** In the platform's own words, such as `endpoint` or `Role`. */
  readonly kind: string;
  readonly name: string;
  /** What is set. What a platform fills in beside it is the platform's own affair. */
  readonly fields: JsonObject;
  /** Paths whose value is whole: what is found there besides was added by somebody. */
  readonly closed?: readonly string[];
  /** Paths that the platform cannot change: another value means a new resource. */
  readonly fixed?: readonly string[];
  /** What the platform makes it from and does not show; a digest of it is among the fields. */
  readonly program?: RenderedFile;
}

/** One thing that a platform has. */
export interface FoundResource {
  readonly kind: string;
  readonly name: string;
  /** The platform's own name for it. */
  readonly id: string;
  /** Whose it is, by its mark; null: nobody of ours has made it. */
  readonly deployment: string | null;
  readonly fields: JsonObject;
}

/** What a release is applied with: the same everywhere, and what one platform needs besides. */
export interface DeployTarget {
  readonly plan: DeploymentPlan;
  /** The id of the release. */
  readonly release: string;
  /** What only the operator knows of the platform, such as subnets and roles. */
  readonly place: Readonly<Record<string, string>>;
}

/** All resources of a deployment, or a sentence on why they cannot be. */
export type Wanted =
  | { readonly ok: true; readonly resources: readonly Resource[] }
  | { readonly ok: false; readonly reason: string };

/** Marks by which what is ours is found again, also where nobody remembers it. */
export const deploymentMark = "hearth-deployment";
export const releaseMark = "hearth-release";

/** The marks as tags or labels. */
export function marksOf({ plan, release }: DeployTarget): Readonly<Record<string, string>> {
  return { [deploymentMark]: plan.name, [releaseMark]: release };
}

/** The id of a release: the same content has the same id, whoever applies it and wherever. */
export function releaseId(content: JsonObject): string {
  return blake3Hex(canonical(content)).slice(0, 16);
}

/** JSON whose keys are in order. */
function canonical(value: JsonObject): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
