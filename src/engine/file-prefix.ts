import { basename, dirname } from "node:path";

const twoDigits = (value: number): string => String(value).padStart(2, "0");

/**
 * Fills the tokens of a file name prefix: `%width%`, `%height%`, `%year%`, `%month%`, `%day%`,
 * `%hour%`, `%minute%`, `%second%` and `%date:yyyy-MM-dd hh:mm:ss%`. Local time.
 */
export function fillPrefix(prefix: string, width: number, height: number, nowMs: number): string {
  const now = new Date(nowMs);
  const parts: Readonly<Record<string, string>> = {
    year: String(now.getFullYear()),
    month: twoDigits(now.getMonth() + 1),
    day: twoDigits(now.getDate()),
    hour: twoDigits(now.getHours()),
    minute: twoDigits(now.getMinutes()),
    second: twoDigits(now.getSeconds()),
    width: String(width),
    height: String(height),
  };
  return prefix
    .replaceAll(/%(year|month|day|hour|minute|second|width|height)%/gu, (token, name: string) =>
      Object.hasOwn(parts, name) ? (parts[name] ?? token) : token,
    )
    .replaceAll(/%date:([^%]*)%/gu, (_, pattern: string) => formatDate(pattern, now));
}

function formatDate(pattern: string, now: Date): string {
  return pattern.replaceAll(/yyyy|yy|MM|M|dd|d|hh|h|mm|m|ss|s/gu, (token) => {
    const value = {
      y: now.getFullYear() % (token === "yy" ? 100 : 10_000),
      M: now.getMonth() + 1,
      d: now.getDate(),
      h: now.getHours(),
      m: now.getMinutes(),
      s: now.getSeconds(),
    }[token.charAt(0)];
    return String(value).padStart(token.length, "0");
  });
}

/** A prefix's folder part ("" for none) and name part: "a/b/pic" is "a/b" and "pic". */
export function splitPrefix(prefix: string): { subfolder: string; name: string } {
  const path = prefix.replaceAll("\\", "/");
  if (path.endsWith("/")) return { subfolder: path.replace(/\/+$/u, ""), name: "" };
  const folder = dirname(path);
  return { subfolder: folder === "." ? "" : folder, name: basename(path) };
}

/** The counter after the largest one among names such as `pic_00007_.png`; 1 if there is none. */
export function nextCounter(names: readonly string[], name: string): number {
  const start = `${name}_`.toLowerCase();
  let largest = 0;
  for (const candidate of names) {
    if (!candidate.toLowerCase().startsWith(start)) continue;
    const digits = /^\d+/u.exec(candidate.slice(start.length))?.[0];
    if (digits !== undefined) largest = Math.max(largest, Number(digits));
  }
  return Number.isSafeInteger(largest) ? largest + 1 : 1;
}
