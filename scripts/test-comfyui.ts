import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { url: { type: "string" } } });
if (values.url === undefined) {
  console.error("usage: npm run test:comfyui -- --url http://127.0.0.1:8188");
  process.exit(2);
}
const answer = await fetch(`${values.url}/system_stats`).catch(() => undefined);
if (answer?.ok !== true) {
  console.error(`no ComfyUI answers at ${values.url}; start one with: python main.py --cpu`);
  process.exit(1);
}
const { system } = (await answer.json()) as { system: { comfyui_version?: string } };
console.log(`ComfyUI ${system.comfyui_version ?? "of unknown version"} at ${values.url}`);
const vitest = [
  "node_modules/vitest/vitest.mjs",
  "run",
  "--config",
  "test/comfyui/vitest.config.ts",
];
const env = { ...process.env, COMFYUI_URL: values.url };
process.exit(spawnSync(process.execPath, vitest, { stdio: "inherit", env }).status ?? 1);
