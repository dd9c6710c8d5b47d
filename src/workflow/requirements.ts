import { fingerprintOf } from "./fingerprint.ts";
import type { LoaderTable } from "./loader-table.ts";
import { modelNeedsOf, type ModelNeed, type UnplacedModel } from "./model-needs.ts";
import { modelKey, modelSetId, type ModelFile } from "./model-ref.ts";
import type { NodeCatalogue } from "./node-class.ts";
import type { PackIndex } from "./pack-index.ts";
import { packNeedsOf, type PackNeed, type PackRef } from "./pack-needs.ts";
import type { Workflow } from "./parse.ts";
import { pictureSizeOf, type PictureSize } from "./picture-size.ts";
import { loadersOf } from "./sentinels.ts";
import { outputNodes, settableInputs, type OutputNode, type SettableInput } from "./settable.ts";
import { sizeClassOf } from "./size-class.ts";
import { estimateVram, type VramEstimate } from "./vram.ts";

/** What is known beside the workflow; all of it may be absent. */
export interface RequirementFacts {
  /** Where loaders take their files from; absent: what the catalogue says. */
  readonly loaders?: LoaderTable;
  /** Files of which size, hash or source are known. */
  readonly files?: readonly ModelFile[];
  /** Who brings a class, by an index of packs. */
  readonly packIndex?: PackIndex;
  /** Who brings a class, by the saved workflow. */
  readonly namedPacks?: ReadonlyMap<string, PackRef>;
  /** What earlier runs of the same fingerprint, model set and size class took. */
  readonly observed?: { readonly peakVramBytes?: number; readonly runMs?: number };
}

/** All that a workflow needs before it can run, and what it will cost. */
export interface Requirements {
  readonly models: readonly ModelNeed[];
  readonly unplacedModels: readonly UnplacedModel[];
  /** The id of the set of models; "" for none. */
  readonly modelSet: string;
  readonly packs: readonly PackNeed[];
  readonly inputs: readonly SettableInput[];
  readonly outputs: readonly OutputNode[];
  /** Shared by workflows that cost the same but for their picture size: see `fingerprintOf`. */
  readonly fingerprint: string;
  readonly size: PictureSize | null;
  /** A power of two of pixels and frames; 0 where the workflow does not say. */
  readonly sizeClass: number;
  readonly vram: VramEstimate;
  /** How long earlier runs took, in ms; null before the first. */
  readonly expectedRunMs: number | null;
}

/** Reads off a workflow what it needs. Linear in the workflow, without recursion. */
export function requirementsOf(
  workflow: Workflow,
  catalogue: NodeCatalogue | null,
  facts: RequirementFacts = {},
): Requirements {
  const { loaders = loadersOf(catalogue), files = [], observed } = facts;
  const { models, unplaced } = modelNeedsOf(workflow, loaders, files);
  const size = pictureSizeOf(workflow);
  return {
    models,
    unplacedModels: unplaced,
    modelSet: modelSetId(models.map(modelKey)),
    packs: packNeedsOf(workflow, {
      catalogue,
      index: facts.packIndex,
      named: facts.namedPacks,
    }),
    inputs: settableInputs(workflow, catalogue),
    outputs: outputNodes(workflow, catalogue),
    fingerprint: fingerprintOf(workflow, "cost", catalogue),
    size: size ?? null,
    sizeClass: sizeClassOf(size),
    vram: estimateVram({
      modelBytes: models.map(({ bytes }) => bytes),
      size,
      observedPeakBytes: observed?.peakVramBytes,
    }),
    expectedRunMs: observed?.runMs ?? null,
  };
}
