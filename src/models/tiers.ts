export type Tier = "disk" | "ram" | "vram";

export interface TierFacts {
  /** Bytes of each model on the disk, by key. */
  readonly bytes: ReadonlyMap<string, number>;
  /** Loaded by ComfyUI since it last freed its memory. */
  readonly loaded: ReadonlySet<string>;
  /** Models by when their files were last read or written, latest first. */
  readonly recent: readonly string[];
  /** What the machine can keep in its page cache. */
  readonly cacheBytes: number;
}

/**
 * Where each model is fastest to be had. The page cache drops what was touched longest ago, so what
 * fits into it, counted from the latest, is taken to be there: an estimate, since nobody tells.
 */
export function tiersOf(facts: TierFacts): ReadonlyMap<string, Tier> {
  const tiers = new Map<string, Tier>([...facts.bytes.keys()].map((key) => [key, "disk"]));
  let leftBytes = facts.cacheBytes;
  for (const key of facts.recent) {
    const bytes = facts.bytes.get(key);
    if (bytes === undefined) continue;
    if (bytes > leftBytes) break;
    leftBytes -= bytes;
    tiers.set(key, "ram");
  }
  for (const key of facts.loaded) if (tiers.has(key)) tiers.set(key, "vram");
  return tiers;
}
