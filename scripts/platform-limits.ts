import { writeFileSync } from "node:fs";

import { seedCatalogue } from "../src/catalogue/seed.ts";
import { platformLimitsPage } from "../test/docs/platform-limits.ts";

// Writes docs/platform-limits.md anew from the catalogue; a test compares the two.
writeFileSync(
  new URL("../docs/platform-limits.md", import.meta.url),
  platformLimitsPage(seedCatalogue()),
);
