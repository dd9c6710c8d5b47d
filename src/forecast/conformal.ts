/** How a band is learned: what it promises to cover, and the errors that it goes by. */
export interface Band {
  /** Share of the values that are to lie below the upper edge. */
  readonly coverage: number;
  /** The share of misses that the edge is set by now; follows the misses seen. */
  readonly alpha: number;
  /** By how much values were above their forecasts, newest last. */
  readonly excesses: readonly number[];
}

const followShare = 0.01;
const maxExcesses = 500;
const fewestExcesses = 20;

export function openBand(coverage: number): Band {
  return { coverage, alpha: 1 - coverage, excesses: [] };
}

/** The forecast raised so that the promised share lies below; the forecast alone while little is known. */
export function upperEdge(band: Band, forecast: number): number {
  const { excesses, alpha } = band;
  if (excesses.length < fewestExcesses) return forecast;
  const sorted = excesses.toSorted((left, right) => left - right);
  const index = Math.ceil((1 - alpha) * (sorted.length + 1)) - 1;
  const excess = sorted[Math.min(sorted.length - 1, Math.max(0, index))] ?? 0;
  return Math.max(0, forecast + excess);
}

/** Takes in what came of a forecast. Too many misses widen the band, too few narrow it. */
export function learnBand(band: Band, forecast: number, value: number): Band {
  const miss = value > upperEdge(band, forecast) ? 1 : 0;
  const alpha = band.alpha + followShare * (1 - band.coverage - miss);
  return {
    coverage: band.coverage,
    alpha: Math.min(0.99, Math.max(0.001, alpha)),
    excesses: [...band.excesses, value - forecast].slice(-maxExcesses),
  };
}
