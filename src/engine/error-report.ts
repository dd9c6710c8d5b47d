import { NodeFault } from "./fault.ts";

const maxLines = 20;

/**
 * Where an error came from, line by line, without the machine's folders. A node's own refusal
 * needs no trace: its message says everything.
 */
export function traceback(thrown: unknown): string[] {
  if (!(thrown instanceof Error) || thrown instanceof NodeFault) return [];
  const lines = (thrown.stack ?? "").split("\n").filter((line) => /^\s+at /u.test(line));
  return lines
    .slice(0, maxLines)
    .map((line) => `${line.replace(/(?:file:\/\/)?[^\s(]*[/\\]/u, "")}\n`);
}
