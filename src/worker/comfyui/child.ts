import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";

import { errorMessage } from "../../kernel/errors.ts";
import type { ComfyuiTarget } from "../agent-options.ts";
import type { LogTail } from "../log-tail.ts";

export type SpawnTarget = Extract<ComfyuiTarget, { kind: "spawn" }>;

/** A running ComfyUI and everything that it started. */
export interface Child {
  /** The process group that holds all of it. */
  readonly groupId: number | undefined;
  /** Resolves with how it ended; never rejects. */
  readonly exited: Promise<string>;
  /** Asks it to end, and after `killMs` makes it. Resolves when nothing of it is left to wait for. */
  stop(killMs: number): Promise<void>;
  kill(): Promise<void>;
}

/** Workflow code can read its environment: what is only the agent's stays out of it. */
const keptMarks = new Set(["HEARTH_OWNER", "HEARTH_INSTANCE", "HEARTH_INSTANCE_SPEC"]);
const foreignSecrets = new Set(["DATABASE_URL", "PGPASSWORD"]);

export function childEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string | undefined> {
  const kept = Object.entries(environment).filter(
    ([name]) => (keptMarks.has(name) || !name.startsWith("HEARTH_")) && !foreignSecrets.has(name),
  );
  return { ...Object.fromEntries(kept), ...extra };
}

/** Starts the command on a leash, so that it cannot outlive this process. */
export async function spawnChild(target: SpawnTarget, log: LogTail): Promise<Child> {
  // From its text: Node runs no TypeScript file below node_modules, where a published agent lives.
  const leash = await readFile(new URL("../leash.ts", import.meta.url), "utf8");
  const options = ["--no-warnings", "--input-type=module-typescript", "--eval", leash, "--"];
  const child = spawn(process.execPath, [...options, ...target.command], {
    ...(target.cwd !== undefined && { cwd: target.cwd }),
    env: childEnvironment(process.env, target.env),
    // A group of its own: what ends the agent's group must leave the leash to do its work.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
  });
  child.stdout.on("data", (chunk: Buffer) => log.write(chunk));
  child.stderr.on("data", (chunk: Buffer) => log.write(chunk));
  child.stdin.on("error", () => undefined);
  const exited = once(child, "exit").then(
    ([code, signal]) => {
      sweepGroup(child.pid);
      return signal === null ? `exit code ${String(code)}` : `signal ${String(signal)}`;
    },
    (thrown: unknown) => `could not be started: ${errorMessage(thrown)}`,
  );
  const kill = async (): Promise<void> => {
    child.stdin.end();
    // Should the leash itself be stopped or stuck.
    sweepGroup(child.pid);
    await exited;
  };
  const stop = async (killMs: number): Promise<void> => {
    child.stdin.write("t");
    const patience = setTimeout(() => void kill(), killMs);
    await exited;
    clearTimeout(patience);
    child.stdin.destroy();
  };
  return { groupId: child.pid, exited, stop, kill };
}

/** Ends what the command left behind in its group, or what a killed leash could not end. */
function sweepGroup(groupId: number | undefined): void {
  if (groupId === undefined || process.platform === "win32") return;
  try {
    process.kill(-groupId, "SIGKILL");
  } catch {
    // Nothing was left.
  }
}
