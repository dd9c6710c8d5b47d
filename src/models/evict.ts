/** A file of the cache that may have to go. */
export interface CachedFile {
  readonly sha256: string;
  readonly bytes: number;
  readonly lastUsedMs: number;
  /** Pinned, or somebody is working with it. */
  readonly isKept: boolean;
}

export interface RoomNeeded {
  readonly files: readonly CachedFile[];
  readonly neededBytes: number;
  /** What all files together may take; null: no limit but the disk's. */
  readonly maxBytes: number | null;
  readonly freeBytes: number;
  /** What has to stay free on the disk. */
  readonly floorBytes: number;
}

export interface EvictionPlan {
  /** Hashes, least recently used first. */
  readonly evict: readonly string[];
  /** What is lacking even then; nothing is evicted unless it helps, so `evict` is empty then. */
  readonly shortBytes: number;
}

/** Which files have to go for `neededBytes` to fit, least recently used first. */
export function planEviction(room: RoomNeeded): EvictionPlan {
  const { files, neededBytes, maxBytes, freeBytes, floorBytes } = room;
  const heldBytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const overLimit = maxBytes === null ? 0 : heldBytes + neededBytes - maxBytes;
  const overDisk = neededBytes + floorBytes - freeBytes;
  let shortBytes = Math.max(0, overLimit, overDisk);
  const candidates = files
    .filter((file) => !file.isKept)
    .sort((a, b) => a.lastUsedMs - b.lastUsedMs || a.sha256.localeCompare(b.sha256));
  const evict: string[] = [];
  for (const file of candidates) {
    if (shortBytes <= 0) break;
    evict.push(file.sha256);
    shortBytes -= file.bytes;
  }
  return shortBytes > 0 ? { evict: [], shortBytes } : { evict, shortBytes: 0 };
}
