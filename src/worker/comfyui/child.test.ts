import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { describe, expect, onTestFinished, test } from "vitest";

import { temporaryFolder } from "../../../test/fakes/worker-stack.ts";
import { LogTail } from "../log-tail.ts";
import { childEnvironment, spawnChild, type Child } from "./child.ts";
import { comfyuiCommand } from "./command.ts";

/** Says its process id and that of a child of its own, and both run until they are ended. */
const family = ["sh", "-c", "sleep 600 & echo $$ $!; wait"];

async function startFamily(command: readonly string[], log = new LogTail()): Promise<Child> {
  const child = await spawnChild({ kind: "spawn", command, url: "", baseDirectory: "" }, log);
  onTestFinished(() => child.kill());
  return child;
}

/** A zombie, which only waits for somebody to ask how it ended, does not count. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.startsWith("Z");
}

async function pidsOf(log: LogTail): Promise<readonly number[]> {
  await expect.poll(() => log.since(0)?.text ?? "", { timeout: 10_000 }).toMatch(/^\d+ \d+\n/u);
  return (log.since(0)?.text ?? "").trim().split(" ").map(Number);
}

describe.skipIf(process.platform === "win32")("a process on a leash", () => {
  test("is ended with all that it started", async () => {
    const log = new LogTail();
    const child = await startFamily(family, log);
    const pids = await pidsOf(log);
    await child.stop(5_000);
    await expect.poll(() => pids.some(isAlive)).toBe(false);
  });

  test("is killed when it does not end by itself", async () => {
    const log = new LogTail();
    const stubborn = ["sh", "-c", "trap '' TERM; sleep 600 & echo $$ $!; wait; wait; wait"];
    const child = await startFamily(stubborn, log);
    const pids = await pidsOf(log);
    await child.stop(100);
    await expect.poll(() => pids.some(isAlive)).toBe(false);
  });

  test("tells how it ended", async () => {
    expect(await (await startFamily(["sh", "-c", "exit 7"])).exited).toBe("exit code 7");
    const log = new LogTail();
    expect(await (await startFamily(["/nowhere/at-all"], log)).exited).toBe("exit code 127");
    expect(log.since(0)?.text).toContain("ENOENT");
  });

  test("ends also when the agent is killed without notice", async () => {
    const module = JSON.stringify(new URL("child.ts", import.meta.url).href);
    const logModule = JSON.stringify(new URL("../log-tail.ts", import.meta.url).href);
    const program = `
      const { spawnChild } = await import(${module});
      const { LogTail } = await import(${logModule});
      const log = new LogTail();
      log.write = (chunk) => process.stdout.write(chunk);
      const command = ${JSON.stringify(family)};
      await spawnChild({ kind: "spawn", command, url: "", baseDirectory: "" }, log);
    `;
    const args = ["--no-warnings", "--input-type=module", "--eval", program];
    const agent = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface({ input: agent.stdout }), "line")) as [string];
    const pids = line.split(" ").map(Number);
    expect(pids.every(isAlive)).toBe(true);
    agent.kill("SIGKILL");
    await expect.poll(() => pids.some(isAlive), { timeout: 10_000 }).toBe(false);
  });
});

test("what only the agent may know stays out of the child's environment", () => {
  const environment = {
    PATH: "/bin",
    HEARTH_ENROLLMENT_TOKEN: "secret",
    HEARTH_INSTANCE: "i",
    DATABASE_URL: "secret",
  };
  expect(childEnvironment(environment, { EXTRA: "1" })).toEqual({
    PATH: "/bin",
    HEARTH_INSTANCE: "i",
    EXTRA: "1",
  });
});

describe("the command for a ComfyUI folder", () => {
  test("uses the folder's own Python where it has one", async () => {
    const directory = await temporaryFolder();
    const plain = await comfyuiCommand({ directory, port: 9_001 });
    expect(plain.command[0]).toMatch(/^python3?$/u);
    expect(plain.baseDirectory).toBe(directory);
    const bin = join(directory, ".venv", process.platform === "win32" ? "Scripts" : "bin");
    await mkdir(bin, { recursive: true });
    const python = join(bin, process.platform === "win32" ? "python.exe" : "python");
    await writeFile(python, "");
    const own = await comfyuiCommand({ directory, port: 9_001 });
    expect(own.command[0]).toBe(python);
  });

  test("listens on loopback only, opens no browser and takes further flags", async () => {
    const directory = await temporaryFolder();
    const options = { directory, port: 9_001, baseDirectory: "/data", extraArgs: ["--cpu"] };
    const { command, cwd, baseDirectory } = await comfyuiCommand(options);
    expect(command.slice(1)).toEqual([
      join(directory, "main.py"),
      "--listen",
      "127.0.0.1",
      "--port",
      "9001",
      "--disable-auto-launch",
      "--base-directory",
      "/data",
      "--cpu",
    ]);
    expect([cwd, baseDirectory]).toEqual([directory, "/data"]);
  });
});
