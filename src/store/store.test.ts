import { postgresServers } from "../../test/database.ts";
import { describeAssets } from "./assets.suite.ts";
import { describeBudgets } from "./budgets.suite.ts";
import { describeClaims } from "./claims.suite.ts";
import { describeFences } from "./fences.suite.ts";
import { describeFootprints } from "./footprints.suite.ts";
import { describeReleases } from "./releases.suite.ts";
import { describeResidents } from "./residents.suite.ts";
import { describeScaling } from "./scaling.suite.ts";
import { describeStore } from "./store.suite.ts";
import { describeUsage } from "./usage.suite.ts";

for (const server of postgresServers()) {
  describeStore(server);
  describeAssets(server);
  describeClaims(server);
  describeBudgets(server);
  describeFences(server);
  describeFootprints(server);
  describeReleases(server);
  describeResidents(server);
  describeScaling(server);
  describeUsage(server);
}
