import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { overlayCatalogue } from "../../src/catalogue/overlay.ts";
import { seedCatalogue } from "../../src/catalogue/seed.ts";
import { createProgram } from "../../src/cli/program/program.ts";
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

  it("shows prices of one's own that can be used as they stand", () => {
    const [, example = ""] = /```json\n([^`]+)```/u.exec(page) ?? [];
    const laid = overlayCatalogue(seedCatalogue(), JSON.parse(example));
    expect(laid.ok ? laid.value.offers.at(-1)?.gpu : laid.error).toBe("rtx-5090");
  });

  it("shows commands that the command line takes", async () => {
    const lines = page.split("\n").filter((line) => line.startsWith("hearth "));
    expect(lines.length).toBeGreaterThan(6);
    for (const line of lines) {
      const [, ...args] = line.replace(/ +#.*$/u, "").split(/ +/u);
      const ran: string[] = [];
      const program = createProgram({
        version: "0",
        run: async (command) => void ran.push(command.name()),
        write: () => undefined,
        writeError: () => undefined,
      });
      await program.parseAsync(args, { from: "user" });
      expect([line, ran.length]).toEqual([line, 1]);
    }
  });

  it("reproduces the 45-second example of the requirements", () => {
    expect(formatMicroUsd(executionCostMicroUsd(1_224_000, 45_000))).toBe("$0.0153");
  });
});
