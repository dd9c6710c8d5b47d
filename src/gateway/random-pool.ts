import { randomFillSync } from "node:crypto";

const poolBytes = 4096;

/**
 * Random bytes from a pool that is filled in one call to the system, which costs as much for ten
 * bytes as for thousands. Bytes are handed out once and never again.
 */
export function createRandomPool(): (count: number) => Uint8Array {
  const pool = Buffer.alloc(poolBytes);
  let used = poolBytes;
  return (count) => {
    if (count > poolBytes) return randomFillSync(Buffer.alloc(count));
    if (used + count > poolBytes) {
      randomFillSync(pool);
      used = 0;
    }
    const bytes = Buffer.from(pool.subarray(used, used + count));
    used += count;
    return bytes;
  };
}
