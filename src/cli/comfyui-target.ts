import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";

import { findFreePort } from "../store/embedded/readiness.ts";
import type { ComfyuiTarget } from "../worker/agent-options.ts";
import { comfyuiCommand } from "../worker/comfyui/command.ts";
import { slotFolder } from "../worker/slots.ts";
import type { ComfyuiChoice } from "./comfyui-choice.ts";
import { ownCommand } from "./package-paths.ts";

export interface SlotPlaces {
  readonly count: number;
  /** The worker's scratch folder. */
  readonly folder: string;
  readonly workingFolder: string;
  /** What each process is to keep clear of, in bytes; undefined: what ComfyUI sees fit. */
  readonly reserveBytes: number | undefined;
}

const gibibyte = 1024 ** 3;

/** One ComfyUI for each slot of a card. */
export async function comfyuiTargets(
  choice: ComfyuiChoice,
  places: SlotPlaces,
): Promise<readonly ComfyuiTarget[]> {
  const targets: ComfyuiTarget[] = [];
  for (let slot = 0; slot < places.count; slot++) targets.push(await target(choice, slot, places));
  return targets;
}

async function target(
  choice: ComfyuiChoice,
  slot: number,
  places: SlotPlaces,
): Promise<ComfyuiTarget> {
  if (choice.kind === "url") return { kind: "attach", url: choice.url.replace(/\/+$/u, "") };
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const folder = slotFolder(places.folder, slot, places.count);
  if (choice.kind === "engine") {
    const baseDirectory = join(folder, "engine");
    const command = ownCommand("engine", "--port", String(port), "--folder", baseDirectory);
    return { kind: "spawn", url, command, baseDirectory };
  }
  const directory = resolve(places.workingFolder, choice.directory);
  const reserve = reserveFlags(places.reserveBytes);
  if (places.count === 1) {
    const extraArgs = [...reserve, ...choice.extraArgs];
    return { kind: "spawn", url, ...(await comfyuiCommand({ directory, port, extraArgs })) };
  }
  const own = await ownFolders(join(folder, "comfyui"));
  const extraArgs = [...own.flags, ...reserve, ...choice.extraArgs];
  const started = await comfyuiCommand({ directory, port, extraArgs });
  const modelsDirectory = join(started.baseDirectory, "models");
  return { kind: "spawn", url, ...started, baseDirectory: own.folder, modelsDirectory };
}

/** Slots share code, custom nodes and models, and nothing that a running ComfyUI writes to. */
async function ownFolders(folder: string): Promise<{ folder: string; flags: readonly string[] }> {
  const flags: string[] = [];
  for (const name of ["input", "output", "temp", "user"]) {
    await mkdir(join(folder, name), { recursive: true });
    // ComfyUI makes its temp folder inside the one that it is told.
    flags.push(`--${name}-directory`, name === "temp" ? folder : join(folder, name));
  }
  // Two processes on one database lock each other out.
  flags.push("--database-url", `sqlite:///${join(folder, "user", "comfyui.db")}`);
  return { folder, flags };
}

function reserveFlags(reserveBytes: number | undefined): readonly string[] {
  if (reserveBytes === undefined) return [];
  return ["--reserve-vram", (reserveBytes / gibibyte).toFixed(3)];
}
