import { describe, expect, test } from "vitest";

import { LogPlace } from "./comfyui/server-log.ts";
import { LogTail, tailOf } from "./log-tail.ts";

describe("the tail of a process's output", () => {
  test("begins at the mark", () => {
    const tail = new LogTail();
    tail.write(Buffer.from("before"));
    const { mark } = tail;
    expect(tail.since(mark)).toBeNull();
    tail.write(Buffer.from("after"));
    expect(tail.since(mark)).toEqual({ text: "after", truncated: false });
  });

  test("keeps the end, says that it was cut, and does not cut characters", () => {
    const tail = new LogTail(1_000);
    for (let line = 0; line < 500; line++) tail.write(Buffer.from("ü".repeat(50)));
    const log = tail.since(0, 101);
    expect(log?.truncated).toBe(true);
    expect(log?.text).toBe("ü".repeat(50));
    expect(tail.since(0)?.text.length).toBeLessThanOrEqual(550);
  });
});

test("the tail of a text is cut to its bytes", () => {
  expect(tailOf("", 10)).toBeNull();
  expect(tailOf("abc", 10)).toEqual({ text: "abc", truncated: false });
  expect(tailOf("abcdef", 3)).toEqual({ text: "def", truncated: true });
});

test("a log carries no commands for the terminal that shows it", () => {
  const log = tailOf("\u001B[32m[INFO]\u001B[0m done \u001B]0;title\u0007\u001B[2K\u001B[1A100%");
  expect(log?.text).toBe("[INFO] done 100%");
});

describe("a server's own log", () => {
  test("is read on from where it was read before", () => {
    const place = new LogPlace();
    const at = (t: string, m: string): { t: string; m: string } => ({ t, m });
    expect(place.advance([at("2026-01-01T00:00:01", "start\n")])).toBe("");
    const entries = [at("2026-01-01T00:00:01", "start\n"), at("2026-01-01T00:00:02", "job\n")];
    expect(place.advance(entries)).toBe("job\n");
    expect(place.advance(entries)).toBe("");
  });
});
