import { expect, it } from "vitest";

import { managements, runRollout } from "./run.ts";

it.each(Object.entries(managements))(
  "plans, applies, repairs, resumes and removes a release on %s",
  async (_, open) => {
    const rows = await runRollout(open);
    expect(rows.filter(({ failure }) => failure !== undefined)).toEqual([]);
  },
  60_000,
);
