/**
 * A process between the agent and ComfyUI, the head of a process group of its own. It starts the
 * command of its arguments in that group. "t" on standard input asks the group to end; the end of
 * standard input, which comes with the agent's own end however that happens, kills it.
 *
 * It is started from its text, so it imports nothing of ours.
 */
import { spawn, spawnSync } from "node:child_process";
import { constants } from "node:os";

const [file = "", ...args] = process.argv.slice(1);
const child = spawn(file, args, { stdio: ["ignore", "inherit", "inherit"], windowsHide: true });

function signalGroup(signal: NodeJS.Signals): void {
  if (process.platform === "win32") {
    const force = signal === "SIGKILL" ? ["/F"] : [];
    spawnSync("taskkill", ["/T", ...force, "/PID", String(child.pid)], { windowsHide: true });
    return;
  }
  try {
    process.kill(-process.pid, signal);
  } catch {
    child.kill(signal);
  }
}

// What reaches the whole group is meant for the command; the leash outlasts it to tell its end.
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined);

process.stdin.on("data", () => signalGroup("SIGTERM"));
process.stdin.on("end", () => signalGroup("SIGKILL"));
process.stdin.on("error", () => signalGroup("SIGKILL"));

child.on("error", (fault) => {
  process.stderr.write(`${fault.message}\n`);
  process.exit(127);
});
child.on("exit", (code, signal) => {
  process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
});
