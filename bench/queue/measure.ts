import type { QueueSubject } from "./subject.ts";

export interface ClaimFigures {
  readonly claimsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Claims `claims` jobs with `callers` calls always under way and times each call. */
export async function measureClaims(
  subject: QueueSubject,
  options: { readonly claims: number; readonly batch: number; readonly callers: number },
): Promise<ClaimFigures> {
  const callMs: number[] = [];
  let asked = 0;
  let claimed = 0;
  const startedAt = performance.now();
  const caller = async (): Promise<void> => {
    while (asked < options.claims) {
      asked += options.batch;
      const before = performance.now();
      const count = await subject.claim(options.batch);
      claimed += count;
      callMs.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: options.callers }, caller));
  const seconds = (performance.now() - startedAt) / 1000;
  if (claimed < options.claims * 0.99) {
    throw new Error(`${subject.name} gave ${claimed} of ${options.claims} jobs`);
  }
  callMs.sort((left, right) => left - right);
  return {
    claimsPerSecond: claimed / seconds,
    p50Ms: quantile(callMs, 0.5),
    p99Ms: quantile(callMs, 0.99),
  };
}

export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((left, right) => left - right),
    0.5,
  );
}
