import type { Dispatcher } from "undici";

import type { FetchPatience } from "./fetch-options.ts";
import type { PartFile } from "./part-file.ts";
import { RequestFault } from "./replies.ts";

/**
 * Fills a part file from a reply that holds all of it, for servers that know no ranges. What an
 * earlier download left is written again. Throws `RequestFault`, a disk fault, or the abort.
 */
export async function streamWhole(
  body: Dispatcher.ResponseData["body"],
  part: PartFile,
  { slowMs }: FetchPatience,
  signal: AbortSignal,
): Promise<void> {
  const { plan } = part;
  let parts: Buffer[] = [];
  let partBytes = 0;
  let block = 0;
  let blockMs = performance.now();
  const watch = setInterval(() => {
    if (performance.now() - blockMs > slowMs) body.destroy(new Error("it sends next to nothing"));
  }, slowMs / 4);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      let rest = chunk;
      while (rest.length > 0) {
        if (block >= plan.count)
          throw new RequestFault("denied", "the reply is longer than it said");
        const sizeBytes = plan.endOf(block) - block * plan.blockBytes;
        const taken = rest.subarray(0, sizeBytes - partBytes);
        parts.push(taken);
        partBytes += taken.length;
        rest = rest.subarray(taken.length);
        if (partBytes < sizeBytes) continue;
        await part.write(block++, parts);
        [parts, partBytes, blockMs] = [[], 0, performance.now()];
      }
    }
  } catch (cause) {
    signal.throwIfAborted();
    if (
      cause instanceof RequestFault ||
      (cause instanceof Error && "code" in cause && cause.code === "disk_full")
    )
      throw cause;
    throw new RequestFault("passing", "the connection failed", { cause });
  } finally {
    clearInterval(watch);
  }
  if (block < plan.count) throw new RequestFault("passing", "the server ended the reply too soon");
}
