import { describe, expect, it } from "vitest";

import { formatBytes, parseBytes } from "./bytes.ts";
import { formatDurationMs, parseDurationMs } from "./duration.ts";
import { isUuid, uuidV7 } from "./id.ts";

describe("durations", () => {
  it.each([
    ["250ms", 250],
    ["30s", 30_000],
    ["1.5m", 90_000],
    ["2h", 7_200_000],
    ["7d", 604_800_000],
  ])("reads %s", (text, ms) => {
    expect(parseDurationMs(text)).toEqual({ ok: true, value: ms });
  });
  it.each(["", "10", "ten s", "-3s", "5 weeks"])("refuses %j instead of guessing", (text) => {
    expect(parseDurationMs(text).ok).toBe(false);
  });
  it("writes what people read", () => {
    expect([240, 3_200, 250_000, 7_500_000].map(formatDurationMs)).toEqual([
      "240 ms",
      "3.2 s",
      "4 min 10 s",
      "2 h 5 min",
    ]);
  });
});

describe("sizes", () => {
  it("reads binary and decimal units and refuses anything else", () => {
    expect(parseBytes("2GiB")).toEqual({ ok: true, value: 2 * 1024 ** 3 });
    expect(parseBytes("512")).toEqual({ ok: true, value: 512 });
    expect(parseBytes("20GB")).toEqual({ ok: true, value: 20_000_000_000 });
    for (const text of ["2G", "2gb", "-1GB", "GB", "2 GiBB"])
      expect(parseBytes(text).ok).toBe(false);
  });
  it("writes them with a unit", () => {
    expect([312, 4_816_896].map(formatBytes)).toEqual(["312 B", "4.6 MiB"]);
  });
});

describe("ids", () => {
  const randomBytes = new Uint8Array(10).fill(255);
  it("are canonical version-7 UUIDs", () => {
    expect(uuidV7(0x0123_4567_89ab, randomBytes)).toBe("01234567-89ab-7fff-bfff-ffffffffffff");
    expect(isUuid(uuidV7(Date.UTC(2026, 10, 23), randomBytes))).toBe(true);
    expect(isUuid("01234567-89AB-7FFF-BFFF-FFFFFFFFFFFF")).toBe(false);
  });
  it("sort by time", () => {
    expect(uuidV7(1_000, randomBytes) < uuidV7(1_001, new Uint8Array(10))).toBe(true);
  });
});
