import { describe, expect, it } from "vitest";

import { Stage, workflow } from "./stage.suite.ts";

interface Refusal {
  readonly error: { readonly code: string; readonly details: Record<string, unknown> };
}

const maxTries = 20;

/** Asks again where a busy machine had no connection to the database in time, as clients do. */
async function post(stage: Stage): Promise<Response> {
  for (let tries = 1; ; tries++) {
    const answer = await fetch(`${stage.url}/api/v2/jobs`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ workflow }),
    });
    if (answer.status !== 503 || tries === maxTries) return answer;
    await answer.body?.cancel();
  }
}

describe("budgets", () => {
  it("let one of 1,000 concurrent requests through where there is room for one", async () => {
    const stage = await Stage.open();
    const args = ["budgets", "set", "--cap", "0.02", "--reserve", "0.01", "--period", "day"];
    expect(await stage.cli(args)).toMatchObject({ code: 0 });
    expect((await post(stage)).status).toBe(201);
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => post(stage)));
    const bodies = await Promise.all(
      answers.filter(({ status }) => status !== 201).map((answer) => answer.json()),
    );
    expect(bodies).toHaveLength(999);
    for (const body of bodies) {
      const { error } = body as Refusal;
      expect(error.code).toBe("insufficient_credits");
      expect(error.details).toMatchObject({ capMicroUsd: 20_000, reservedMicroUsd: 20_000 });
    }
    const listed = await stage.cli(["budgets", "ls"]);
    expect(listed.stdout).toMatch(/tenant +default +day +\$0\.02 +\$0 +\$0\.02 +\$0\.01/u);
  }, 120_000);

  it("need a price or an amount to set aside", async () => {
    const stage = await Stage.open();
    const refused = await stage.cli(["budgets", "set", "-d", "default", "--cap", "5"]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("hearth cost price default");
    expect(await stage.cli(["cost", "price", "default", "1.116"])).toMatchObject({ code: 0 });
    expect(await stage.cli(["budgets", "set", "-d", "default", "--cap", "5"])).toMatchObject({
      code: 0,
    });
    expect(await stage.cli(["run", "w.json", "--no-wait"])).toMatchObject({ code: 0 });
    const listed = await stage.cli(["budgets", "ls", "--json"]);
    expect(JSON.parse(listed.stdout)).toMatchObject({
      data: [{ deployment: "default", reservedMicroUsd: 1_116_000 }],
    });
    expect(await stage.cli(["budgets", "rm", "-d", "default"])).toMatchObject({ code: 0 });
    expect(await stage.cli(["budgets", "rm", "-d", "default"])).toMatchObject({ code: 4 });
  });

  it.each([
    [["budgets", "set", "--cap", "lots"]],
    [["budgets", "set", "--cap", "5", "--alert", "half"]],
    [["budgets", "set", "--cap", "5", "--period", "year"]],
    [["budgets", "set"]],
    [["budgets", "set", "--cap", "1", "--reserve", "1", "--tenant", "a", "-d", "b"]],
    [["cost", "price", "default", "cheap"]],
  ])("refuse %j as usage", async (args) => {
    const stage = await Stage.open();
    expect(await stage.cli(args)).toMatchObject({ code: 2 });
  });
});
