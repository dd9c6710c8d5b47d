import coreClasses from "./core-classes.json" with { type: "json" };
import type { NodeCatalogue } from "./node-class.ts";
import { comfyuiRepository, type PackIndex } from "./pack-index.ts";
import type { Workflow } from "./parse.ts";

/** What is known of a node pack: its name in the registry, its repository, a version. */
export interface PackRef {
  /** The registry's id, `comfy-core` for what ComfyUI itself brings; null where only a URL is known. */
  readonly id: string | null;
  /** `https://github.com/owner/name`, without `.git`. */
  readonly repository: string | null;
  /** A registry version or a commit. */
  readonly version: string | null;
}

/** A class that some pack must bring, and who may bring it. */
export interface PackNeed {
  readonly classType: string;
  readonly nodeIds: readonly string[];
  /** `installed`: the catalogue has it. `named`: the workflow says from where. `indexed`: found in an index. */
  readonly basis: "installed" | "named" | "indexed" | "unknown";
  /** One where it is clear; several where it is not, for a person to choose. */
  readonly candidates: readonly PackRef[];
}

const corePackId = "comfy-core";

/** Known without a catalogue; what a newer ComfyUI brings is known by its own. */
const known: ReadonlySet<string> = new Set(coreClasses.classes);

/** Modules of ComfyUI's own nodes. */
const coreModule = /^(?:nodes|comfy_extras|comfy_api_nodes)(?:\.|$)/u;
const packModule = /^custom_nodes\.([^.]+)/u;

export interface PackFacts {
  readonly catalogue: NodeCatalogue | null;
  readonly index?: PackIndex | undefined;
  /** What the saved workflow says of its nodes, by class. */
  readonly named?: ReadonlyMap<string, PackRef> | undefined;
}

/** Who brings each class of a workflow; ComfyUI's own classes are left out where they are known. */
export function packNeedsOf(workflow: Workflow, facts: PackFacts): readonly PackNeed[] {
  const nodes = new Map<string, string[]>();
  for (const [nodeId, { classType }] of workflow) {
    const ids = nodes.get(classType);
    if (ids === undefined) nodes.set(classType, [nodeId]);
    else ids.push(nodeId);
  }
  const needs: PackNeed[] = [];
  for (const [classType, nodeIds] of nodes) {
    const found = whoBrings(classType, facts);
    if (found !== undefined) needs.push({ classType, nodeIds, ...found });
  }
  return needs;
}

/** Undefined: ComfyUI itself. */
function whoBrings(
  classType: string,
  { catalogue, index, named }: PackFacts,
): Pick<PackNeed, "basis" | "candidates"> | undefined {
  const installed = catalogue?.get(classType)?.pythonModule;
  if (installed !== undefined && coreModule.test(installed)) return undefined;
  const declared = named?.get(classType);
  if (declared?.id === corePackId) return undefined;
  if (declared !== undefined) return { basis: "named", candidates: [declared] };
  if (installed !== undefined) {
    const id = packModule.exec(installed)?.[1] ?? installed;
    return { basis: "installed", candidates: [{ id, repository: null, version: null }] };
  }
  if (known.has(classType)) return undefined;
  const repositories = index?.repositoriesOf(classType) ?? [];
  if (repositories.includes(comfyuiRepository)) return undefined;
  if (repositories.length === 0) return { basis: "unknown", candidates: [] };
  const candidates = repositories.map((repository) => ({ id: null, repository, version: null }));
  return { basis: "indexed", candidates };
}
