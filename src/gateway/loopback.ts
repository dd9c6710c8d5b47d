import { isIPv4 } from "node:net";

/** Whether an address or host name never leaves this machine. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[|\]$/gu, "").toLowerCase();
  const mapped = bare.startsWith("::ffff:") ? bare.slice("::ffff:".length) : bare;
  if (isIPv4(mapped)) return mapped.startsWith("127.");
  return bare === "::1" || bare === "localhost";
}

export interface TrustQuestion {
  readonly remoteAddress: string;
  readonly hostHeader: string;
  readonly originHeader: string | undefined;
  readonly isForwarded: boolean;
}

/**
 * Whether a caller without a key may act as the owner of this machine. Needs a loopback peer, a
 * loopback Host (no rebound DNS name), no foreign page behind it, and no proxy in between.
 */
export function isTrustedLoopback(question: TrustQuestion): boolean {
  const { remoteAddress, hostHeader, originHeader, isForwarded } = question;
  if (isForwarded || !isLoopbackHost(remoteAddress)) return false;
  if (!isLoopbackHost(hostOf(hostHeader))) return false;
  return originHeader === undefined || originHeader === `http://${hostHeader}`;
}

function hostOf(hostHeader: string): string {
  return hostHeader.replace(/:\d+$/u, "");
}
