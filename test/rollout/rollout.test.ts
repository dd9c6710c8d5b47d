import { existsSync } from "node:fs";

import { expect, it } from "vitest";

import { hasMoto } from "../moto/server.ts";
import { python } from "./modal-wire.ts";
import { managements, runRollout } from "./run.ts";

/** What `.ci/run` installs is optional elsewhere: Modal's program, and an AWS that others wrote. */
const isHere = (name: string): boolean => {
  if (name === "lambda") return hasMoto;
  return name !== "modal" || existsSync(python) || process.env.CI === "true";
};

it.each(Object.entries(managements).filter(([name]) => isHere(name)))(
  "plans, applies, repairs, resumes and removes a release on %s",
  async (_, open) => {
    const rows = await runRollout(open);
    expect(rows.filter(({ failure }) => failure !== undefined)).toEqual([]);
  },
  60_000,
);
