import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { Body, Machine } from "./machines.ts";

const hearth = fileURLToPath(new URL("../../bin/hearth.mjs", import.meta.url));
/** What a container of ours finds besides the variables of its launch. */
const inherited = ["PATH", "HOME", "TMPDIR", "LANG", "NODE_EXTRA_CA_CERTS"];

/** Runs a real worker with the built-in engine, as the image of a release does. */
export function workerBody(
  folder: string,
): (machine: Machine, onExit: (exitCode: number) => void) => Body {
  return (machine, onExit) => {
    const home = join(folder, machine.id.replaceAll(/[^\w-]/gu, "-").slice(-60));
    mkdirSync(home, { recursive: true });
    const kept = inherited.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    const shows = process.env["TEST_LOG"] === "1" ? "inherit" : "ignore";
    const child = spawn(process.execPath, [hearth, "worker"], {
      cwd: home,
      detached: true,
      env: {
        ...Object.fromEntries(kept),
        ...machine.environment,
        HEARTH_WORKER_FOLDER: home,
        HEARTH_DATA: join(home, "data"),
      },
      stdio: ["ignore", "ignore", shows],
    });
    child.once("exit", (code) => onExit(code ?? 137));
    return {
      signal: (name) => {
        // Killing a machine kills all that runs on it.
        const target = name === "SIGKILL" ? -(child.pid ?? 0) : (child.pid ?? 0);
        try {
          if (target !== 0) process.kill(target, name);
        } catch {
          // It has ended in between.
        }
      },
    };
  };
}
