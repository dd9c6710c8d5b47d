import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { temporaryFolder } from "../../test/fakes/worker-stack.ts";
import { planSweep, sweepStaged } from "./stage-sweep.ts";

const entry = (name: string, sizeBytes: number, usedAtMs: number) => ({
  name,
  sizeBytes,
  usedAtMs,
});

describe("staged inputs", () => {
  test("go when they were not used for long, and the longest unused when there are too many", () => {
    const entries = [
      entry("a", 40, 100),
      entry("b", 40, 900),
      entry("c", 40, 950),
      entry("d", 1, 10),
    ];
    expect(planSweep(entries, 1_000, { maxBytes: 100, maxAgeMs: 950 })).toEqual(["a", "d"]);
    expect(planSweep(entries, 1_000, { maxBytes: 1_000, maxAgeMs: 10_000 })).toEqual([]);
  });

  test("are removed from the folder", async () => {
    const base = await temporaryFolder();
    for (const [name, ageSeconds] of [
      ["old", 100],
      ["new", 1],
    ] as const) {
      const folder = join(base, "input", "hearth", name);
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, "x.png"), "x");
      const time = new Date(1_000_000_000 - ageSeconds * 1_000);
      await utimes(join(folder, "x.png"), time, time);
    }
    await sweepStaged(base, 1_000_000_000, { maxBytes: 1_000, maxAgeMs: 50_000 });
    expect(await readdir(join(base, "input", "hearth"))).toEqual(["new"]);
    await sweepStaged(join(base, "nowhere"), 0);
  });
});
