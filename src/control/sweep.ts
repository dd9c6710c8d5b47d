import type { BlobStore } from "../blobs/blobs.ts";
import type { Logger } from "../observability/logger.ts";
import type { Store } from "../store/store.ts";

const batch = 500;
const pageSize = 500;
/** Bounds on one pass; what is left waits for the next one. */
const maxBatches = 10;
const maxPages = 40;

/** What no run has confirmed for so long was perhaps of another ComfyUI. */
const footprintMs = 30 * 86_400_000;

/** Rounds of decisions that are kept to answer why. */
const keptRounds = 100_000;
const roundBatch = 5_000;

/** Deletes what is past its retention: records first, then the bytes that no record names. */
export async function sweepOnce(store: Store, blobs: BlobStore, logger: Logger): Promise<void> {
  await store.footprints.sweep(footprintMs, batch);
  await store.estimates.sweep(batch);
  await store.decisions.sweep(keptRounds, roundBatch);
  for (let round = 0; round < maxBatches; round++) {
    const report = await store.control.sweep(batch);
    const { deletedJobs, deletedAssets, orphanKeys, orphanPrefixes } = report;
    if (orphanKeys.length > 0) {
      await blobs.delete(orphanKeys);
      await store.control.forgetBlobs(orphanKeys);
    }
    const emptied = await sweepPrefixes(store, blobs, orphanPrefixes);
    if (emptied.length > 0) await store.control.forgetBlobs(emptied);
    const done = deletedJobs + deletedAssets + orphanKeys.length + emptied.length;
    if (done === 0) return;
    logger.info(
      { deletedJobs, deletedAssets, deletedBlobs: orphanKeys.length, prefixes: emptied.length },
      "swept what is past its retention",
    );
    const isFull =
      Math.max(deletedJobs, deletedAssets, orphanKeys.length + emptied.length) >= batch;
    if (!isFull) return;
  }
}

/** Returns the prefixes below which nothing without a record is left. */
async function sweepPrefixes(
  store: Store,
  blobs: BlobStore,
  prefixes: readonly string[],
): Promise<readonly string[]> {
  const emptied: string[] = [];
  let pagesLeft = maxPages;
  for (const prefix of prefixes) {
    let after: string | undefined;
    let isDone = false;
    while (pagesLeft > 0 && !isDone) {
      pagesLeft--;
      const keys = await blobs.list(prefix, pageSize, after);
      const known = new Set(keys.length > 0 ? await store.control.knownBlobKeys(keys) : []);
      const unknown = keys.filter((key) => !known.has(key));
      if (unknown.length > 0) await blobs.delete(unknown);
      after = keys.at(-1);
      isDone = keys.length < pageSize;
    }
    if (isDone) emptied.push(prefix);
  }
  return emptied;
}
