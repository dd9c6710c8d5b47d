import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

interface Outcome extends Step {
  readonly passed: boolean;
  readonly seconds: string;
  readonly output: string;
}

const steps: readonly Step[] = [
  { name: "format", command: ["oxfmt/bin/oxfmt", "--check", "."] },
  { name: "lint", command: ["oxlint/bin/oxlint", "--type-aware", "--deny-warnings"] },
  { name: "types", command: ["typescript7/bin/tsc", "-p", "."] },
  { name: "unused code", command: ["knip/bin/knip.js", "--no-progress"] },
];

async function run(step: Step): Promise<Outcome> {
  const startedMs = performance.now();
  const [program = "", ...rest] = step.command;
  const child = spawn(process.execPath, [`node_modules/${program}`, ...rest], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const output = await Promise.all([text(child.stdout), text(child.stderr)]);
  const passed = (await ended) === 0;
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  return { ...step, passed, seconds, output: output.join("") };
}

const outcomes = await Promise.all(steps.map(run));
for (const { name, passed, seconds } of outcomes) {
  console.log(`${passed ? "ok    " : "FAILED"}  ${name.padEnd(11)}  ${seconds} s`);
}
const failures = outcomes.filter(({ passed }) => !passed);
for (const { name, output } of failures) console.log(`\n${name}\n\n${output.trim()}`);
process.exitCode = failures.length === 0 ? 0 : 1;
