/** A run that is over its estimate is expected to take half as long again. */
const overrunShare = 0.5;
const shortestRestSeconds = 2;

/**
 * How much longer a run is expected to take. One that is over its estimate is not about to end:
 * whoever counts its worker as free makes jobs wait for it in vain.
 */
export function expectedRestSeconds(
  run: { readonly startedAtSeconds: number; readonly endsAtSeconds: number },
  nowSeconds: number,
): number {
  const restSeconds = run.endsAtSeconds - nowSeconds;
  if (restSeconds > 0) return restSeconds;
  return Math.max(shortestRestSeconds, overrunShare * (nowSeconds - run.startedAtSeconds));
}
