import type { ServerResponse } from "node:http";

import type { JobRecord } from "../../store/jobs.ts";
import type { Preview } from "../../protocol/worker-link.ts";
import type { GatewayContext } from "../context.ts";
import { JobNews } from "./job-news.ts";
import { signerOf } from "./job-routes.ts";
import type { Waker } from "./waker.ts";

const pollMs = 1_000;
const keepAliveMs = 10_000;
const previewEveryMs = 400;
/** A client that takes nothing for so long is gone, whatever its connection says. */
const stalledMs = 60_000;

type FollowContext = Pick<
  GatewayContext,
  "store" | "blobs" | "settings" | "clock" | "shutdown" | "endings"
>;

/**
 * Writes a job's news, beginning with the snapshot given, until it has ended, the client has gone
 * or the gateway stops. Every round looks at the job anew, so a slow client misses rounds but
 * nothing that matters, and at most one round waits in memory. A stream that is delivered whole ends
 * with the first news after its snapshot.
 */
export async function followJob(
  raw: ServerResponse,
  first: JobRecord,
  context: FollowContext,
  waker: Waker,
): Promise<void> {
  const { store, clock, shutdown } = context;
  const { wholeStreamMs } = context.settings;
  const endsAtMs = clock.now() + (wholeStreamMs ?? Number.POSITIVE_INFINITY);
  let isSnapshot = true;
  const news = new JobNews();
  const previews = new PreviewReader(context);
  let job: JobRecord | undefined = first;
  const lookAgain = async (): Promise<JobRecord | undefined> => {
    const ending = context.endings.of(first.id);
    if (ending !== undefined) return { ...first, ...ending };
    return store.jobs.get(first.tenantId, first.id);
  };
  let lastWriteMs = clock.now();
  while (!raw.destroyed && !shutdown.aborted) {
    if (raw.writableNeedDrain) {
      if (clock.now() - lastWriteMs >= stalledMs) raw.destroy();
      else await waker.wait(pollMs);
      continue;
    }
    job ??= await lookAgain();
    if (job === undefined) return;
    const { frames, isLast } = await news.since(job, await previews.next(job), signerOf(context));
    const isQuiet = clock.now() - lastWriteMs >= keepAliveMs;
    const text = frames.map(frameText).join("") || (isQuiet ? ": keepalive\n\n" : "");
    if (text !== "") {
      raw.write(text);
      lastWriteMs = clock.now();
    }
    const isTold = !isSnapshot && frames.length > 0 && wholeStreamMs !== undefined;
    if (isLast || isTold || clock.now() >= endsAtMs) return;
    isSnapshot = false;
    await waker.wait(pollMs);
    job = undefined;
  }
}

function frameText({ event, data }: { readonly event: string; readonly data: object }): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/**
 * Previews are large, so they are fetched less often than a job changes, and not before there is
 * progress: reports that bring one bring the other.
 */
class PreviewReader {
  private readonly context: FollowContext;
  private readAtMs = Number.NEGATIVE_INFINITY;

  constructor(context: FollowContext) {
    this.context = context;
  }

  async next({ state, progress, tenantId, id }: JobRecord): Promise<Preview | undefined> {
    const { clock, store } = this.context;
    if (state !== "running" || progress === null) return undefined;
    if (clock.now() - this.readAtMs < previewEveryMs) return undefined;
    this.readAtMs = clock.now();
    return store.jobs.preview(tenantId, id);
  }
}
