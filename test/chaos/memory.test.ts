import { expect, it } from "vitest";

import { postgresServers } from "../database.ts";
import { runMemoryChaos } from "./memory.ts";

const [server] = postgresServers();

it("loses no job to a lack of memory, and retries each at most once and only on a larger card", async () => {
  const report = await runMemoryChaos({ serverUrl: server?.url ?? "", jobs: 60, seed: 7 });
  expect(report).toMatchObject({ lost: 0, failedOtherwise: 0, retriedTwice: 0, sideways: 0 });
  expect(report.succeeded + report.outOfMemory).toBe(60);
  // A run without trouble would show nothing.
  expect(report.outOfMemoryOn8 + report.outOfMemoryOn16).toBeGreaterThan(3);
  expect(report.retries).toBeGreaterThan(3);
}, 180_000);
