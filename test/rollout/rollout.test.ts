import { existsSync } from "node:fs";

import { expect, it } from "vitest";

import { python } from "./modal-wire.ts";
import { managements, runRollout } from "./run.ts";

/** Modal's program is what `.ci/run` installs; elsewhere it is optional. */
const isHere = (name: string): boolean =>
  name !== "modal" || existsSync(python) || process.env.CI === "true";

it.each(Object.entries(managements).filter(([name]) => isHere(name)))(
  "plans, applies, repairs, resumes and removes a release on %s",
  async (_, open) => {
    const rows = await runRollout(open);
    expect(rows.filter(({ failure }) => failure !== undefined)).toEqual([]);
  },
  60_000,
);
