import { readFileSync } from "node:fs";

import { expect, it } from "vitest";

import { seedCatalogue } from "../../src/catalogue/seed.ts";
import { platformLimitsPage } from "./platform-limits.ts";

it("docs/platform-limits.md says what the catalogue says", () => {
  const page = readFileSync(new URL("../../docs/platform-limits.md", import.meta.url), "utf8");
  expect(page).toBe(platformLimitsPage(seedCatalogue()));
});
