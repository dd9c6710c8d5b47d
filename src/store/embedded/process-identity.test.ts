import { spawn } from "node:child_process";
import { once } from "node:events";

import { describe, expect, it, onTestFinished } from "vitest";

import {
  commandLineOf,
  identifyProcess,
  isRunning,
  signalProcess,
  waitForExit,
} from "./process-identity.ts";

/** Ends when its input does. */
async function startChild() {
  const child = spawn(process.execPath, ["--eval", "process.stdin.resume()", "a (b) c"]);
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
  return child;
}

describe("a process identity", () => {
  it("is the same at every look and differs between processes", async () => {
    const child = await startChild();
    const first = await identifyProcess(child.pid!);
    expect(await identifyProcess(child.pid!)).toEqual(first);
    expect(await identifyProcess(process.pid)).not.toEqual(first);
    expect(await isRunning(first!)).toBe(true);
  });

  it("does not match another process under the same number, and sends it no signal", async () => {
    const child = await startChild();
    const identity = (await identifyProcess(child.pid!))!;
    const earlier = { ...identity, startedAt: "an earlier start" };
    expect(await isRunning(earlier)).toBe(false);
    expect(await signalProcess(earlier, "SIGKILL")).toBe(false);
    expect(await isRunning(identity)).toBe(true);
  });

  it("ends with its process", async () => {
    const child = await startChild();
    const identity = (await identifyProcess(child.pid!))!;
    expect(await waitForExit(identity, 0)).toBe(false);
    expect(await signalProcess(identity, "SIGKILL")).toBe(true);
    expect(await waitForExit(identity, 10_000)).toBe(true);
    expect(await identifyProcess(child.pid!)).toBeUndefined();
    expect(await signalProcess(identity, "SIGKILL")).toBe(false);
  });

  it("does not exist for numbers that no process can have", async () => {
    for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 40]) {
      expect(await identifyProcess(pid)).toBeUndefined();
    }
  });

  it("comes with a command line that tells what runs", async () => {
    const child = await startChild();
    expect(await commandLineOf(child.pid!)).toContain("--eval process.stdin.resume() a (b) c");
  });
});
