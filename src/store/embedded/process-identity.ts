import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

import { pollUntil } from "./polling.ts";

/** One process for good: its number alone may be given to another process after its end. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal only for the same process on the same boot of the same machine. */
  readonly startedAt: string;
}

const runFile = promisify(execFile);
/** `ps` and PowerShell answer in well under a second; a wedged machine must not hang us. */
const lookupTimeoutMs = 10_000;
const exitPollMs = 10;

/** Who runs under this number now; undefined when nobody does, or only a zombie is left. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const startedAt = await startOf(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  return (await startOf(identity.pid)) === identity.startedAt;
}

/** Sends a signal unless the process has ended; whether it was sent. Throws when not permitted. */
export async function signalProcess(
  identity: ProcessIdentity,
  signal: NodeJS.Signals,
): Promise<boolean> {
  if (!(await isRunning(identity))) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch (thrown) {
    if (errorCode(thrown) === "ESRCH") return false;
    throw thrown;
  }
}

/** Waits for the end of any process, a child or not; false when `timeoutMs` were not enough. */
export async function waitForExit(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const ended = await pollUntil(async () => ((await isRunning(identity)) ? undefined : true), {
    timeoutMs,
    intervalMs: exitPollMs,
  });
  return ended ?? false;
}

/** The command line of a process as one text, or undefined when it cannot be read. */
export async function commandLineOf(pid: number): Promise<string | undefined> {
  if (process.platform === "linux") {
    const text = await readProcFile(`/proc/${pid}/cmdline`);
    return text?.replaceAll("\0", " ").trim();
  }
  if (process.platform === "win32") {
    return powerShell(`(Get-CimInstance Win32_Process -Filter 'ProcessId=${pid}').CommandLine`);
  }
  return outputOf("ps", ["-ww", "-o", "command=", "-p", String(pid)]);
}

async function startOf(pid: number): Promise<string | undefined> {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  if (process.platform === "linux") return startOnLinux(pid);
  if (process.platform === "win32") {
    return powerShell(`(Get-Process -Id ${pid}).StartTime.ToFileTimeUtc()`);
  }
  const text = await outputOf("ps", ["-o", "stat=,lstart=", "-p", String(pid)]);
  return text === undefined || text.startsWith("Z") ? undefined : text.replace(/^\S+\s+/u, "");
}

async function startOnLinux(pid: number): Promise<string | undefined> {
  const stat = await readProcFile(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name in parentheses may hold spaces and parentheses itself: count from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  const startTicks = fields[19];
  if (state === "Z" || state === "X" || startTicks === undefined) return undefined;
  // Ticks count from boot, so a restarted machine repeats them.
  const boot = await readProcFile("/proc/sys/kernel/random/boot_id");
  return `${boot?.trim() ?? "boot"}/${startTicks}`;
}

async function readProcFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    const gone = ["ENOENT", "ESRCH", "EACCES"].includes(errorCode(thrown) ?? "");
    if (gone) return undefined;
    throw thrown;
  }
}

function powerShell(command: string): Promise<string | undefined> {
  return outputOf("powershell.exe", ["-NoProfile", "-NonInteractive", "-Command", command]);
}

/** Both tools exit with an error when there is no such process. */
async function outputOf(file: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
    const { stdout } = await runFile(file, [...args], { env, timeout: lookupTimeoutMs });
    const text = stdout.trim();
    return text === "" ? undefined : text;
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT") throw thrown;
    return undefined;
  }
}

/** The system's name for an error, such as "ENOENT". */
export function errorCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}
