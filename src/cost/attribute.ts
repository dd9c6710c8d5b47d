import { ratedMicroUsd } from "../kernel/money.ts";

/** An instance's paid time within a window; times in ms since the epoch. */
export interface PaidSpan {
  /** When the platform began to charge. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly priceMicroUsdPerHour: number;
  /** Whether nothing had run on it before the window, so that time until the first attempt is its start. */
  readonly isFresh: boolean;
  readonly attempts: readonly SpanAttempt[];
}

export interface SpanAttempt {
  readonly key: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Of its beginning, how long it waited for weights. */
  readonly loadMs: number;
}

/** What an attempt caused; the key is null for time that no attempt stands behind. */
export interface CostShare {
  readonly key: string | null;
  readonly runMicroUsd: number;
  readonly loadMicroUsd: number;
  /** The instance's start, charged to the first attempt that it was started for. */
  readonly startMicroUsd: number;
  /** Waiting after the attempt, or for as long as nothing had run. */
  readonly idleMicroUsd: number;
}

type CostParts = { key: string | null } & Record<Part, number>;
type Part = "runMicroUsd" | "loadMicroUsd" | "startMicroUsd" | "idleMicroUsd";

/**
 * Splits what an instance cost in a window among the attempts that caused it. Attempts side by side
 * share a moment equally. Attempts may begin before the window or end after it. Not a micro-dollar
 * is lost: the shares add up to the price of the window.
 */
export function attributeSpan(span: PaidSpan): readonly CostShare[] {
  const shares = new Map<string | null, CostParts>();
  const note = (key: string | null, part: Part, microUsd: number): void => {
    const share = shares.get(key) ?? emptyShare(key);
    share[part] += microUsd;
    shares.set(key, share);
  };
  const causes = new Causes(span);
  const edges = edgesOf(span);
  let paidMicroUsd = 0;
  for (const [index, startMs] of edges.slice(0, -1).entries()) {
    const endMs = edges[index + 1] ?? startMs;
    const totalMicroUsd = ratedMicroUsd(span.priceMicroUsdPerHour, endMs - span.fromMs);
    const sliceMicroUsd = totalMicroUsd - paidMicroUsd;
    paidMicroUsd = totalMicroUsd;
    const behind = causes.at(startMs);
    for (const [position, { key, part }] of behind.entries()) {
      note(key, part, equalPart(sliceMicroUsd, behind.length, position));
    }
  }
  return [...shares.values()];
}

interface Cause {
  readonly key: string | null;
  readonly part: Part;
}

/** Who stands behind each moment; moments are asked for in order. */
class Causes {
  private readonly ordered: readonly SpanAttempt[];
  private readonly isFresh: boolean;
  private next = 0;
  private active: SpanAttempt[] = [];
  private last: SpanAttempt | undefined;

  constructor({ attempts, isFresh }: PaidSpan) {
    this.ordered = attempts.toSorted((left, right) => left.startMs - right.startMs);
    this.isFresh = isFresh;
  }

  at(nowMs: number): readonly Cause[] {
    this.advance(nowMs);
    if (this.active.length > 0) {
      return this.active.map(({ key, startMs, loadMs }) => ({
        key,
        part: nowMs < startMs + loadMs ? "loadMicroUsd" : "runMicroUsd",
      }));
    }
    if (this.last !== undefined) return [{ key: this.last.key, part: "idleMicroUsd" }];
    const first = this.ordered[0];
    const part = first !== undefined && this.isFresh ? "startMicroUsd" : "idleMicroUsd";
    return [{ key: first?.key ?? null, part }];
  }

  private advance(nowMs: number): void {
    for (;;) {
      const each = this.ordered[this.next];
      if (each === undefined || each.startMs > nowMs) break;
      this.active.push(each);
      this.next++;
    }
    for (const each of this.active) {
      const isOver = each.endMs <= nowMs;
      if (isOver && (this.last === undefined || each.endMs > this.last.endMs)) this.last = each;
    }
    this.active = this.active.filter(({ endMs }) => endMs > nowMs);
  }
}

/** The moments at which the cause may change, within the window. */
function edgesOf(span: PaidSpan): readonly number[] {
  const inner = span.attempts
    .flatMap(({ startMs, endMs, loadMs }) => [startMs, Math.min(endMs, startMs + loadMs), endMs])
    .filter((edge) => edge > span.fromMs && edge < span.toMs);
  const end = Math.max(span.fromMs, span.toMs);
  return [...new Set([span.fromMs, ...inner, end])].toSorted((left, right) => left - right);
}

/** Whole micro-dollars; the first ones take what does not divide. */
function equalPart(total: number, count: number, position: number): number {
  return Math.floor(total / count) + (position < total % count ? 1 : 0);
}

function emptyShare(key: string | null): CostParts {
  return { key, runMicroUsd: 0, loadMicroUsd: 0, startMicroUsd: 0, idleMicroUsd: 0 };
}
