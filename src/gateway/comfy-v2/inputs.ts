import { isUuid } from "../../kernel/id.ts";
import type { AssetRecord, AssetStore } from "../../store/assets.ts";
import type { JobInput } from "../../store/jobs.ts";
import { findAssetReferences, type AssetReference } from "../../workflow/asset-refs.ts";
import { NodeFaults } from "../../workflow/node-faults.ts";
import type { Workflow } from "../../workflow/parse.ts";
import type { ClassCatalogue } from "../../workflow/validate.ts";

/** Finds the caller's asset behind every reference. Errors: `missing_asset` naming each place. */
export async function resolveInputs(
  assets: AssetStore,
  tenantId: number,
  workflow: Workflow,
  catalogue: ClassCatalogue | null,
): Promise<readonly JobInput[]> {
  const references = findAssetReferences(workflow, catalogue);
  if (references.length === 0) return [];
  const found = await lookUp(assets, tenantId, references);
  const faults = new NodeFaults();
  const inputs: JobInput[] = [];
  for (const reference of references) {
    const asset = found(reference);
    if (asset === undefined) faults.add(reference.nodeId, reference.field, reasonFor(reference));
    else inputs.push(inputOf(reference, asset));
  }
  if (!faults.isEmpty) throw faults.toError("missing_asset");
  return inputs;
}

async function lookUp(
  assets: AssetStore,
  tenantId: number,
  references: readonly AssetReference[],
): Promise<(reference: AssetReference) => AssetRecord | undefined> {
  const targets = references.map((reference) => reference.target);
  const ids = targets.flatMap((target) => (target.kind === "id" ? [target.assetId] : []));
  const paths = targets.flatMap((target) => (target.kind === "path" ? [pathOf(target)] : []));
  const [byId, byPath] = await Promise.all([
    ids.length === 0 ? [] : assets.getMany(tenantId, ids.filter(isUuid)),
    paths.length === 0 ? [] : assets.findByPaths(tenantId, paths),
  ]);
  const ofId = new Map(byId.map((asset) => [asset.id, asset]));
  const ofPath = new Map(byPath.map((asset) => [asset.filePath, asset]));
  return ({ target }) => {
    if (target.kind === "malformed") return undefined;
    return target.kind === "id" ? ofId.get(target.assetId) : ofPath.get(pathOf(target));
  };
}

function pathOf(target: { readonly filePath: string }): string {
  return target.filePath.normalize("NFC");
}

function reasonFor({ target }: AssetReference): string {
  switch (target.kind) {
    case "malformed":
      return target.reason;
    case "id":
      return `there is no asset ${target.assetId.slice(0, 80)}`;
    case "path":
      return `no upload is named ${target.filePath.slice(0, 120)}`;
  }
}

function inputOf(reference: AssetReference, asset: AssetRecord): JobInput {
  const filename = asset.filePath?.split("/").at(-1) ?? asset.id;
  return {
    path: reference.path,
    assetId: asset.id,
    filename,
    hash: asset.hash,
    sizeBytes: asset.sizeBytes,
    blobKey: asset.blobKey,
  };
}
