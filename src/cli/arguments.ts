import { InvalidArgumentError } from "commander";

import { parseBytes } from "../kernel/bytes.ts";
import { parseDurationMs } from "../kernel/duration.ts";
import { parseMicroUsd } from "../kernel/money.ts";
import type { Result } from "../kernel/result.ts";
import { jobPriorities, type JobPriority } from "../queue/queue-key.ts";
import { scopes, type Scope } from "../store/access.ts";
import { parseInput, parsePairs, parseSet, type InputAssignment } from "./run/values.ts";

/** Readers of option values; what they refuse is a usage error that names the option. */

export function durationMs(text: string): number {
  return accept(parseDurationMs(text));
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,10}$/u.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** Micro-dollars. */
export function dollars(text: string): number {
  return accept(parseMicroUsd(text));
}

export function byteSize(text: string): number {
  return accept(parseBytes(text));
}

/** "8x24GiB,4x48GiB": the size of each. */
export function cards(text: string): readonly number[] {
  return text.split(",").flatMap((group) => {
    const [, count = "1", size = ""] = /^(?:(\d{1,4})x)?(.+)$/u.exec(group.trim()) ?? [];
    const bytes = byteSize(size);
    return Array.from({ length: wholeNumber(1, 1_000)(count) }, () => bytes);
  });
}

/** "45", "2.5" or "250ms" as milliseconds. */
export function seconds(text: string): number {
  return durationMs(/^\d+(?:\.\d+)?$/u.test(text) ? `${text}s` : text);
}

export function factor(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(?:\.\d+)?$/u.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
  };
}

/** "a,b" and repeated options gather. */
export function names(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(",").map((name) => name.trim())].filter((name) => name !== "");
}

export function percents(text: string): readonly number[] {
  return text.split(",").map((each) => wholeNumber(1, 1_000)(each.trim()));
}

export function priority(text: string): JobPriority {
  const found = jobPriorities.find((name) => name === text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`It must be one of ${jobPriorities.join(", ")}.`);
}

export function scopeList(text: string): readonly Scope[] {
  const names = text.split(",").map((name) => name.trim());
  const known = scopes.filter((scope) => names.includes(scope));
  if (known.length === new Set(names).size) return known;
  throw new InvalidArgumentError(`They must be among ${scopes.join(", ")}.`);
}

export function httpUrl(text: string): string {
  if (URL.canParse(text) && /^https?:/u.test(text)) return text;
  throw new InvalidArgumentError("It must be a URL with http or https.");
}

/** Options that may be given several times gather what they read. */
export function inputs(
  text: string,
  before: readonly InputAssignment[] = [],
): readonly InputAssignment[] {
  return [...before, accept(parseInput(text))];
}

export function sets(
  text: string,
  before: readonly InputAssignment[] = [],
): readonly InputAssignment[] {
  return [...before, accept(parseSet(text))];
}

export function texts(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

export function pairs(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const texts = Object.entries(before).map(([key, value]) => `${key}=${value}`);
  return accept(parsePairs([...texts, text]));
}

function accept<T>(result: Result<T, string>): T {
  if (result.ok) return result.value;
  throw new InvalidArgumentError(`${result.error}.`);
}
