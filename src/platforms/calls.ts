import { backoffMs } from "../kernel/backoff.ts";
import type { Clock } from "../kernel/clock.ts";
import { HearthError, errorMessage } from "../kernel/errors.ts";

/** Why a platform did not do what it was asked. */
export type CallFailure =
  /** It surely did nothing and wants to be asked later. */
  | { readonly kind: "throttled"; readonly retryAfterMs: number | null }
  /** Nobody knows whether it did it. */
  | { readonly kind: "unreachable" }
  | { readonly kind: "missing" }
  | { readonly kind: "capacity"; readonly reason: string }
  | { readonly kind: "quota"; readonly reason: string }
  | { readonly kind: "refused"; readonly reason: string };

/** Waiting and chance, so that tests need neither. */
export interface CallPatience {
  readonly clock: Clock;
  /** Between 0 and 1. */
  readonly random: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

export interface Call<T> {
  /** For messages, such as "ecs RunTask". */
  readonly what: string;
  readonly run: (signal: AbortSignal) => Promise<T>;
  readonly failureOf: (thrown: unknown) => CallFailure;
  /** Whether it may be sent again when nobody knows what became of it. */
  readonly isIdempotent: boolean;
}

/** Bounds on what one call may cost: time, and requests that a platform counts or charges. */
const maxTries = 4;
const timeoutMs = 20_000;
const backoff = { minMs: 500, maxMs: 8_000 };
const maxPatienceMs = 15_000;

/** Asks a platform, again where that is safe. Errors: those of the port; `missing` is undefined. */
export async function callPlatform<T>(
  call: Call<T>,
  patience: CallPatience,
): Promise<T | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return await bounded(call.run);
    } catch (thrown) {
      const failure = thrown instanceof Late ? late : call.failureOf(thrown);
      if (failure.kind === "missing") return undefined;
      const waitMs = retryAfterMs(failure, call.isIdempotent, tries, patience.random());
      if (waitMs === undefined) throw errorOf(call.what, failure, thrown);
      await patience.sleep(waitMs);
    }
  }
}

class Late extends Error {
  override readonly name = "Late";
}

const late: CallFailure = { kind: "unreachable" };

/** Not every SDK takes a signal, so none is trusted to end by it. */
async function bounded<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const patience = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const reason = new Late(`no answer within ${timeoutMs} ms`);
      reject(reason);
      patience.abort(reason);
    }, timeoutMs);
  });
  try {
    return await Promise.race([run(patience.signal), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** When to ask again; undefined: not here, the next pass decides. */
export function retryAfterMs(
  failure: CallFailure,
  isIdempotent: boolean,
  tries: number,
  random: number,
): number | undefined {
  if (tries >= maxTries) return undefined;
  const isSafe = failure.kind === "throttled" || (failure.kind === "unreachable" && isIdempotent);
  if (!isSafe) return undefined;
  const waitMs = backoffMs(tries, backoff, random);
  if (failure.kind !== "throttled" || failure.retryAfterMs === null) return waitMs;
  // A platform that wants a minute of peace gets it from the next pass, not from a held call.
  return failure.retryAfterMs > maxPatienceMs ? undefined : Math.max(waitMs, failure.retryAfterMs);
}

function errorOf(what: string, failure: CallFailure, cause: unknown): HearthError {
  switch (failure.kind) {
    case "throttled": {
      const retryAfterSeconds = Math.max(1, Math.ceil((failure.retryAfterMs ?? 1_000) / 1_000));
      const message = `${what}: the platform asks for patience.`;
      return new HearthError("service_unavailable", { message, cause, retryAfterSeconds });
    }
    case "capacity":
      return new HearthError("platform_capacity", { message: `${what}: ${failure.reason}`, cause });
    case "quota":
      return new HearthError("platform_quota", { message: `${what}: ${failure.reason}`, cause });
    case "refused":
      return new HearthError("platform_refused", { message: `${what}: ${failure.reason}`, cause });
    case "missing":
    case "unreachable": {
      const message = `${what}: the platform cannot be reached (${errorMessage(cause)}).`;
      return new HearthError("service_unavailable", { message, cause, retryAfterSeconds: 1 });
    }
  }
}

/** `Retry-After` as milliseconds: seconds or a date. Null where it is absent or nonsense. */
export function parseRetryAfterMs(header: string | null | undefined, nowMs: number): number | null {
  if (header === null || header === undefined || header.trim() === "") return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return seconds < 0 ? null : Math.round(seconds * 1_000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}
