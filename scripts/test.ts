import { spawnSync } from "node:child_process";

import { parseCLI, startVitest, type Reporter, type TestModule } from "vitest/node";

const { status } = spawnSync(process.execPath, ["scripts/check.ts"], { stdio: "inherit" });
if (status !== 0) process.exit(status ?? 1);

/** Says what the tests ran against, since what is not installed is left out rather than failed. */
const realParts: Reporter = {
  onTestRunEnd(modules: readonly TestModule[]) {
    const servers = modules[0]?.project.getProvidedContext().postgres ?? [];
    console.log(`\nReal parts: ${servers.map(({ name }) => name).join(", ")}`);
    if (servers.length < 2) console.log("Left out: postgres 15, which is not installed here");
  },
};
const { filter, options } = parseCLI(["vitest", "run", ...process.argv.slice(2)]);
const vitest = await startVitest("test", filter, { ...options, reporters: ["default", realParts] });
await vitest.close();
