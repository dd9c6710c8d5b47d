import { spawnSync } from "node:child_process";

const steps: readonly (readonly string[])[] = [
  ["node_modules/oxfmt/bin/oxfmt", "--check", "."],
  ["node_modules/oxlint/bin/oxlint", "--type-aware"],
  ["node_modules/typescript7/bin/tsc", "-p", "."],
];
let failed = 0;
for (const step of steps) {
  const { status } = spawnSync(process.execPath, step, { stdio: "inherit" });
  if (status !== 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);
