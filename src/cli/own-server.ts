import { createHash, timingSafeEqual } from "node:crypto";

import { CliFailure } from "./failure.ts";

const loopback: ReadonlySet<string> = new Set(["127.0.0.1", "::1", "localhost"]);

/**
 * The token of a server that has one key for everybody; undefined where none is needed. Errors:
 * `usage` beyond loopback without one.
 */
export function serverToken(
  variable: string,
  host: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const token = environment[variable] ?? "";
  if (token !== "") return token;
  if (loopback.has(host)) return undefined;
  throw new CliFailure("usage", `Beyond loopback a token is needed: set ${variable}.`);
}

/** Hashed first, so that neither length nor content shows in the time it takes. */
export function hasToken(header: string | undefined, token: string | undefined): boolean {
  if (token === undefined) return true;
  const [given, expected] = [header ?? "", `Bearer ${token}`].map((text) =>
    createHash("sha256").update(text).digest(),
  );
  return given !== undefined && expected !== undefined && timingSafeEqual(given, expected);
}
