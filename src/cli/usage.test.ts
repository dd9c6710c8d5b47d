import { describe, expect, it } from "vitest";

import { Stage } from "./stage.suite.ts";

interface Stats {
  readonly groups: readonly { readonly group: string; readonly attempts: number }[];
}

async function stageWithOneJob(): Promise<Stage> {
  const stage = await Stage.open();
  expect(await stage.cli(["cost", "price", "default", "3600"])).toMatchObject({ code: 0 });
  expect(await stage.cli(["run", "w.json", "--no-wait"])).toMatchObject({ code: 0 });
  await stage.complete(await stage.claim());
  return stage;
}

describe("usage", () => {
  it("is reported as costs with a line for each deployment or model", async () => {
    const stage = await stageWithOneJob();
    const report = await stage.cli(["cost", "report"]);
    expect(report.code).toBe(0);
    expect(report.stdout).toMatch(/^DEPLOYMENT +ATTEMPTS +RUN +LOAD +START +IDLE +TOTAL/mu);
    expect(report.stdout).toMatch(/^default +1 +\$/mu);
    const byModel = await stage.cli(["cost", "report", "--by", "model", "--json"]);
    const { data } = JSON.parse(byModel.stdout) as {
      data: { group: string; totalMicroUsd: number; costs: Record<string, number> }[];
    };
    expect(data.map(({ group }) => group)).toEqual(["no model"]);
    const sum = Object.values(data[0]?.costs ?? {}).reduce((total, each) => total + each, 0);
    expect(data[0]?.totalMicroUsd).toBe(sum);
    expect(sum).toBeGreaterThan(0);
  });

  it("is shown as nine key figures, in all and for single attempts", async () => {
    const stage = await stageWithOneJob();
    const stats = await stage.cli(["stats"]);
    for (const title of ["cold start", "queue wait", "error rate", "GPU utilisation", "cost"]) {
      expect(stats.stdout).toContain(title);
    }
    expect(stats.stdout).toMatch(/efficiency score [\d.]+, normalised [\d.]+ of 100/u);
    const attempts = await stage.cli(["stats", "--by", "attempt", "--json"]);
    const { data } = JSON.parse(attempts.stdout) as {
      data: { allInMicroUsd: number; kpis: { costMicroUsd: number } }[];
    };
    expect(data).toHaveLength(1);
    expect(data[0]?.allInMicroUsd).toBeGreaterThan(0);
    expect(await stage.cli(["stats", "-d", "nope"])).toMatchObject({ code: 4 });
    expect(await stage.cli(["stats", "--by", "moon"])).toMatchObject({ code: 2 });
  });

  it("is served to administrators, of their own tenant only", async () => {
    const stage = await stageWithOneJob();
    await stage.cli(["stats"]);
    const path = `${stage.url}/api/hearth/v1/stats`;
    const stats = (await (await fetch(`${path}?by=deployment`)).json()) as Stats;
    expect(stats.groups).toMatchObject([{ group: "default", attempts: 1 }]);
    const key = async (args: readonly string[]): Promise<string> => {
      const created = await stage.cli(["keys", "create", ...args, "--json"]);
      return (JSON.parse(created.stdout) as { data: { key: string } }).data.key;
    };
    const get = (token: string, query = ""): Promise<Response> =>
      fetch(path + query, { headers: { Authorization: `Bearer ${token}` } });
    expect((await get(await key(["--scopes", "run,read"]))).status).toBe(403);
    const other = await key(["--scopes", "admin", "--tenant", "other"]);
    expect(((await (await get(other)).json()) as Stats).groups).toEqual([]);
    expect((await get(other, "?deployment=default")).status).toBe(404);
  });

  it.each([
    ["since=soon", "since"],
    ["since=900d", "since"],
    ["by=moon", "by"],
    ["what=else", "what"],
    ["since=1h&since=2h", "since"],
  ])("refuses %s and names the field", async (query, field) => {
    const stage = await Stage.open();
    const response = await fetch(`${stage.url}/api/hearth/v1/stats?${query}`);
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ error: { details: { field } } });
  });
});
