import { readFile } from "node:fs/promises";

import { expect, it } from "vitest";

import { errorTable } from "../../src/kernel/error-table.ts";

it("documents every error with the words of the table, and no other", async () => {
  const page = await readFile(new URL("../../docs/errors.md", import.meta.url), "utf8");
  const documented = page
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const expected = Object.entries(errorTable).map(([code, row]) => [
    `\`${code}\``,
    String(row.httpStatus),
    row.fault,
    row.message,
    row.hint,
  ]);
  expect(documented).toEqual(expected);
});
