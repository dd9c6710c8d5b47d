import { err, ok, type Result } from "./result.ts";

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Reads "250ms", "30s", "10m", "2h" or "7d" as milliseconds; the error says what was wrong. */
export function parseDurationMs(text: string): Result<number, string> {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/u.exec(text.trim());
  const factor = unitMs[match?.[2] ?? ""];
  if (match === null || factor === undefined) {
    return err(`"${text}" is not a duration; write a number and ms, s, m, h or d, such as 30s`);
  }
  return ok(Math.round(Number(match[1]) * factor));
}

/** Writes milliseconds the way people read them: "240 ms", "3.2 s", "4 min 10 s", "2 h 5 min". */
export function formatDurationMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
