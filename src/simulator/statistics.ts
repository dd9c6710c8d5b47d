/** The value below which `share` of the sorted values lie; 0 for none. */
export function quantile(sorted: readonly number[], share: number): number {
  const index = Math.min(sorted.length - 1, Math.floor(share * sorted.length));
  return sorted[index] ?? 0;
}

/** Jain's index: 1 when all have the same, 1/n when one has all; 1 for nobody. */
export function jainIndex(values: readonly number[]): number {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  return squares === 0 ? 1 : (sum * sum) / (values.length * squares);
}

/** A draw from the normal distribution (Box-Muller). */
export function drawNormal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A lognormal draw with mean 1: `sigma` is the deviation of its logarithm. */
export function drawFactor(random: () => number, sigma: number): number {
  return Math.exp(sigma * drawNormal(random) - (sigma * sigma) / 2);
}
