import { pause } from "./retry.ts";

/** Waits until a silence has lasted `limitMs`; false when `signal` aborts before. Never rejects. */
export async function waitForSilence(
  silentMs: () => number,
  limitMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  for (let leftMs = limitMs; leftMs > 0; leftMs = limitMs - silentMs()) {
    await pause(Math.ceil(leftMs), signal).catch(() => undefined);
    if (signal.aborted) return false;
  }
  return true;
}
