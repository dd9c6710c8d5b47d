import { spawnSync } from "node:child_process";

const vitest = ["node_modules/vitest/vitest.mjs", "run", ...process.argv.slice(2)];
const steps = [["scripts/check.ts"], vitest];
for (const step of steps) {
  const { status } = spawnSync(process.execPath, step, { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
