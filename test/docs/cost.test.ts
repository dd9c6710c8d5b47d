import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { seedCatalogue } from "../../src/catalogue/seed.ts";
import { executionCostMicroUsd } from "../../src/cost/calculators.ts";
import { formatMicroUsd } from "../../src/kernel/money.ts";
import { costFigures } from "./cost-figures.ts";

const page = readFileSync(new URL("../../docs/cost.md", import.meta.url), "utf8");

function rowsUnder(heading: string): readonly (readonly string[])[] {
  const section = page.split(/^## /mu).find((text) => text.startsWith(heading)) ?? "";
  const lines = section.split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe("docs/cost.md", () => {
  it("computes every worked example from its own inputs and from today's prices", () => {
    const figures = costFigures(seedCatalogue());
    expect(rowsUnder("Worked examples")).toEqual(
      figures.map(({ name, required, today }) => [
        name,
        required,
        today,
        required === "" || required === today ? "" : "yes",
      ]),
    );
  });

  it("reproduces the 45-second example of the requirements", () => {
    expect(formatMicroUsd(executionCostMicroUsd(1_224_000, 45_000))).toBe("$0.0153");
  });
});
