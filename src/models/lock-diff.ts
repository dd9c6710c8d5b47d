import { formatBytes } from "../kernel/bytes.ts";
import { modelKey } from "../workflow/model-ref.ts";
import { packName, type LockedModel, type LockedPack, type ReleaseLock } from "./release-lock.ts";

/** One line of a difference between two locks. */
export interface LockChange {
  readonly kind: "added" | "removed" | "changed";
  /** Such as `model` or `pack`. */
  readonly subject: string;
  readonly name: string;
  /** What is there now, or from what to what. */
  readonly detail: string;
}

/** What changes from one lock to the next, part by part. */
export function diffLocks(before: ReleaseLock, after: ReleaseLock): readonly LockChange[] {
  return [
    ...diffValue("comfyui", comfyuiText(before), comfyuiText(after)),
    ...diffValue("python", before.python ?? "default", after.python ?? "default"),
    ...diffList("pack", before.packs, after.packs, packName, packText),
    ...diffList("model", before.models, after.models, modelKey, modelText),
    ...diffList("pip", before.pip, after.pip, requirementName, (each) => each),
    ...diffValue("nodes", catalogueText(before), catalogueText(after)),
    ...diffList(
      "workflow",
      before.workflows,
      after.workflows,
      ({ file }) => file,
      ({ fingerprint }) => fingerprint.slice(0, 12),
    ),
    ...diffValue("arguments", argumentsText(before), argumentsText(after)),
    ...diffValue("warmup", warmupText(before), warmupText(after)),
  ];
}

function diffValue(subject: string, before: string, after: string): readonly LockChange[] {
  if (before === after) return [];
  return [{ kind: "changed", subject, name: "", detail: `${before} → ${after}` }];
}

function diffList<Item>(
  subject: string,
  before: readonly Item[],
  after: readonly Item[],
  nameOf: (item: Item) => string,
  textOf: (item: Item) => string,
): readonly LockChange[] {
  const old = new Map(before.map((item) => [nameOf(item), textOf(item)]));
  const fresh = new Map(after.map((item) => [nameOf(item), textOf(item)]));
  const changes: LockChange[] = [];
  for (const name of [...new Set([...old.keys(), ...fresh.keys()])].sort()) {
    const [from, to] = [old.get(name), fresh.get(name)];
    if (from === to) continue;
    if (from === undefined) changes.push({ kind: "added", subject, name, detail: to ?? "" });
    else if (to === undefined) changes.push({ kind: "removed", subject, name, detail: from });
    else changes.push({ kind: "changed", subject, name, detail: `${from} → ${to}` });
  }
  return changes;
}

function comfyuiText({ comfyui }: ReleaseLock): string {
  return [comfyui.version ?? "any", comfyui.commit?.slice(0, 12)].filter(Boolean).join(" ");
}

function packText({ version, commit, sha256 }: LockedPack): string {
  const parts = [version, commit?.slice(0, 12), sha256 === null ? null : sha256.slice(0, 12)];
  return parts.filter((each) => each !== null && each !== undefined).join(" ") || "any version";
}

function modelText({ sha256, bytes, sources }: LockedModel): string {
  const size = bytes === null ? "unknown size" : formatBytes(bytes);
  const hash = sha256 === null ? "no hash" : sha256.slice(0, 12);
  return `${size}, ${hash}, ${sources[0] ?? "no source"}`;
}

function requirementName(requirement: string): string {
  return /^[\w.-]+/u.exec(requirement)?.[0].toLowerCase() ?? requirement;
}

function catalogueText({ nodeCatalogue }: ReleaseLock): string {
  if (nodeCatalogue === null) return "none";
  return `${nodeCatalogue.classes} classes (${nodeCatalogue.blake3.slice(0, 12)})`;
}

function argumentsText({ deployment }: ReleaseLock): string {
  return deployment.comfyuiArguments.join(" ") || "none";
}

function warmupText({ deployment }: ReleaseLock): string {
  return deployment.warmup === null ? "none" : JSON.stringify(deployment.warmup);
}
