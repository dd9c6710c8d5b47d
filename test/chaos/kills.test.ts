import { expect, it } from "vitest";

import { killTargets, runKills } from "./kills.ts";

it.each(killTargets)(
  "ends every job right when the %s is killed in the middle of it",
  async (target) => {
    const report = await runKills({ target, kills: 2, atOnce: 2 });
    expect(report).toMatchObject({ kills: 2, succeeded: 2, damaged: 0 });
    expect(report.slowestNoticeS).toBeLessThan(35);
    if (target === "agent") expect(report.slowestNoticeS).toBeGreaterThan(0);
  },
  180_000,
);
