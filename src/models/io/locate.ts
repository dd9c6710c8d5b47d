import { setTimeout as delay } from "node:timers/promises";

import { request, type Dispatcher } from "undici";

import { backoffMs } from "../../kernel/backoff.ts";

import type { Egress } from "./egress.ts";
import type { FetchPatience } from "./fetch-options.ts";
import { fixedHeaders, type Served } from "./fetch-span.ts";
import { RequestFault, replyFacts } from "./replies.ts";

export interface Located extends Served {
  /** Whether parts of the file can be asked for. */
  readonly hasRanges: boolean;
  /** The reply to the request that found it, for a server that sends the whole file at once. */
  readonly body: Dispatcher.ResponseData["body"] | undefined;
}

const maxRedirects = 10;

export interface LocateOptions {
  readonly egress: Egress;
  readonly isHashKnown: boolean;
  readonly patience: FetchPatience;
  readonly signal: AbortSignal;
}

/**
 * Follows redirections and learns size and validator, patiently where the server is away or busy.
 * Throws `RequestFault`, `source_forbidden`, or the abort.
 */
export async function locate(start: string, options: LocateOptions): Promise<Located> {
  const { patience, signal } = options;
  for (let failures = 1; ; failures++) {
    try {
      return await locateOnce(start, options);
    } catch (thrown) {
      signal.throwIfAborted();
      const isPassing =
        thrown instanceof RequestFault && (thrown.kind === "passing" || thrown.kind === "busy");
      if (!isPassing || failures >= patience.maxFailures) throw thrown;
    }
    const waitMs = backoffMs(failures, patience.backoff, Math.random());
    await delay(waitMs, undefined, { signal });
  }
}

/** Every hop passes the egress check anew, and a token stays with its host. */
async function locateOnce(
  start: string,
  { egress, isHashKnown, signal }: LocateOptions,
): Promise<Located> {
  let url = new URL(start);
  for (let hops = 0; hops <= maxRedirects; hops++) {
    egress.check(url, isHashKnown);
    const reply = await ask(egress, url, signal);
    const { statusCode, headers, body } = reply;
    if (statusCode < 300 || statusCode >= 400) return await locatedAt(url, reply);
    await body.dump({ limit: 64 * 1024 });
    const location = Array.isArray(headers.location) ? headers.location[0] : headers.location;
    if (location === undefined || !URL.canParse(location, url.href)) {
      throw new RequestFault("denied", `HTTP ${statusCode} that leads nowhere`);
    }
    url = new URL(location, url);
  }
  throw new RequestFault("denied", `more than ${maxRedirects} redirections`);
}

async function ask(
  egress: Egress,
  url: URL,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  const { origin, pathname, search } = url;
  // One byte: enough to learn everything, and nothing is thrown away.
  const headers = { ...fixedHeaders, ...(await egress.headersFor(url)), range: "bytes=0-0" };
  try {
    const path = pathname + search;
    return await request(origin + path, { dispatcher: egress.dispatcher, headers, signal });
  } catch (cause) {
    signal.throwIfAborted();
    const forbidden = forbiddenIn(cause);
    if (forbidden !== undefined) throw forbidden;
    throw new RequestFault("passing", "the server does not answer", { cause });
  }
}

async function locatedAt(
  url: URL,
  { statusCode, headers, body }: Dispatcher.ResponseData,
): Promise<Located> {
  try {
    // The only range that an empty file has is none.
    if (statusCode === 416 && headers["content-range"] === "bytes */0") {
      return { url, totalBytes: 0, validator: null, hasRanges: true, body: undefined };
    }
    const { totalBytes, validator, isPart } = replyFacts(statusCode, headers);
    if (isPart) {
      await body.dump({ limit: 64 * 1024 });
      return { url, totalBytes: totalBytes ?? 0, validator, hasRanges: true, body: undefined };
    }
    if (totalBytes === null) throw new RequestFault("denied", "the server does not say its size");
    return { url, totalBytes, validator, hasRanges: false, body };
  } catch (thrown) {
    dropBody(body);
    throw thrown;
  }
}

/** Ends a reply that nobody reads on; without a listener its end would be an unhandled error. */
export function dropBody(body: Dispatcher.ResponseData["body"] | undefined): void {
  body?.on("error", () => undefined).destroy();
}

/** A refusal by the egress check comes back inside of a connection error. */
function forbiddenIn(thrown: unknown): unknown {
  for (let cause = thrown; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && cause.code === "source_forbidden") return cause;
    if (cause instanceof AggregateError) return cause.errors.map(forbiddenIn).find(Boolean);
  }
  return undefined;
}
