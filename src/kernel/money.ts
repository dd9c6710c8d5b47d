import { err, ok, type Result } from "./result.ts";

const msPerHour = 3_600_000n;

/**
 * What a rate in micro-dollars an hour costs over `ms` milliseconds, rounded half up to a whole
 * micro-dollar. Exact: the product does not fit a double for a month of a large fleet.
 */
export function ratedMicroUsd(microUsdPerHour: number, ms: number): number {
  const product = BigInt(Math.round(microUsdPerHour)) * BigInt(Math.round(ms));
  return Number((product * 2n + msPerHour) / (msPerHour * 2n));
}

/** Writes micro-dollars as dollars: cents from a dollar on, four significant digits below. */
export function formatMicroUsd(microUsd: number): string {
  const usd = microUsd / 1_000_000;
  if (usd === 0) return "$0";
  if (Math.abs(usd) >= 1) return `$${cents.format(usd)}`;
  return `$${fractions.format(Number(usd.toPrecision(4)))}`;
}

// Made once: a formatter costs milliseconds, and floods of refusals write amounts.
const cents = new Intl.NumberFormat("en-US", {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});
const fractions = new Intl.NumberFormat("en-US", {
  minimumFractionDigits: 2,
  maximumFractionDigits: 6,
});

/** Reads "25", "25.50" or "$0.02" as micro-dollars. */
export function parseMicroUsd(text: string): Result<number, string> {
  const match = /^\$?(\d{1,9})(?:\.(\d{1,6}))?$/u.exec(text.trim());
  if (match === null) {
    return err(
      `"${text}" is not an amount; write dollars, such as 25 or 0.02 (at most 6 decimals)`,
    );
  }
  return ok(Number(match[1]) * 1_000_000 + Number((match[2] ?? "").padEnd(6, "0")));
}
