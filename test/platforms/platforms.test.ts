import { expect, it } from "vitest";

import { postgresServers } from "../database.ts";
import { clouds, runPlatform } from "./run.ts";

const [server] = postgresServers();

it.each(Object.entries(clouds))(
  "starts from zero, does a job, goes back to zero and has a price on %s",
  async (_, openCloud) => {
    const results = await runPlatform(server?.url ?? "", openCloud, true);
    expect(results.filter(({ failure }) => failure !== undefined)).toEqual([]);
  },
  180_000,
);
