import { createHash } from "node:crypto";
import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { Settings } from "../../config/schema.ts";
import { builtInEngine } from "../../deploy/resources/local.ts";
import { LocalPlatform } from "../../platforms/local/platform.ts";
import type { LocalRelease } from "../../platforms/local/release-file.ts";
import { identifyProcess } from "../../store/embedded/process-identity.ts";
import type { Store } from "../../store/store.ts";
import type { ComfyuiChoice } from "../comfyui-choice.ts";
import { CliFailure } from "../failure.ts";
import type { Io } from "../output.ts";
import { ownCommand } from "../package-paths.ts";
import { systemClock } from "../system.ts";

export interface LocalWorkerOptions {
  /** Absolute and without symbolic links. */
  readonly dataDir: string;
  readonly gatewayUrl: string;
  readonly comfyui: ComfyuiChoice;
  readonly models: Settings["models"];
  readonly io: Io;
}

/** Workers get 20 s to finish; a little more until force. */
const killAfterMs = 22_000;
const drainLimitMs = 27_000;
const pollMs = 100;

/** Where this machine's workers and their release are. */
export function workersFolder(dataDir: string): string {
  return join(dataDir, "workers");
}

/** The platform that starts this machine's workers, each a `hearth worker` process. */
export async function openLocalPlatform(options: LocalWorkerOptions): Promise<LocalPlatform> {
  const { dataDir, io } = options;
  return new LocalPlatform({
    owner: ownerOf(dataDir),
    folder: workersFolder(dataDir),
    command: await workerCommand(options),
    environment: { ...io.environment, ...modelsEnvironment(options) },
    clock: systemClock,
    identify: identifyProcess,
    killAfterMs,
  });
}

/** An applied release goes before what `hearth up` was told. */
async function workerCommand(
  options: LocalWorkerOptions,
): Promise<(release: LocalRelease | undefined) => readonly string[]> {
  const own = await comfyuiFlags(options);
  return (release) => {
    const flags = release === undefined ? own : releaseFlags(release);
    return ownCommand("worker", "--gateway", options.gatewayUrl, ...flags);
  };
}

function releaseFlags({ comfyui }: LocalRelease): readonly string[] {
  if (comfyui === builtInEngine) return [];
  return [/^https?:/u.test(comfyui) ? "--comfyui-url" : "--comfyui-dir", comfyui];
}

/** All workers of a machine share one store of model files. */
function modelsEnvironment({ dataDir, models, io }: LocalWorkerOptions): Record<string, string> {
  const { maxBytes, floorBytes, allow, peers, tokens } = models;
  // References, not secrets.
  const references = Object.entries(tokens).map(([host, reference]) => `${host}=${reference}`);
  return {
    HEARTH_MODELS: resolve(io.folder, models.folder ?? join(dataDir, "models")),
    HEARTH_MODELS_FLOOR_BYTES: String(floorBytes),
    ...(references.length > 0 && { HEARTH_MODELS_TOKENS: references.join(",") }),
    ...(maxBytes !== undefined && { HEARTH_MODELS_MAX_BYTES: String(maxBytes) }),
    ...(peers.length > 0 && { HEARTH_MODELS_PEERS: peers.join(",") }),
    ...(allow.length > 0 && { HEARTH_MODELS_ALLOW: allow.join(",") }),
  };
}

/** Marks the processes of one data folder. */
export function ownerOf(dataDir: string): string {
  return createHash("sha256").update(dataDir).digest("hex").slice(0, 16);
}

async function comfyuiFlags(options: LocalWorkerOptions): Promise<readonly string[]> {
  const { comfyui, io } = options;
  if (comfyui.kind === "engine") return [];
  if (comfyui.kind === "url") return ["--comfyui-url", comfyui.url];
  const directory = resolve(io.folder, comfyui.directory);
  try {
    await access(join(directory, "main.py"));
  } catch {
    throw new CliFailure("usage", `${directory} is no ComfyUI: it has no main.py.`);
  }
  return ["--comfyui-dir", directory, ...comfyui.extraArgs.map((arg) => `--comfyui-arg=${arg}`)];
}

/** Lets the workers finish and leave, and closes their records. `hurry` ends the wait. */
export async function drainWorkers(
  platform: LocalPlatform,
  store: Store,
  hurry: AbortSignal,
): Promise<void> {
  const startedAtMs = systemClock.now();
  let left = await platform.list();
  while (left.length > 0 && !hurry.aborted && systemClock.now() - startedAtMs < drainLimitMs) {
    for (const { externalId } of left) await platform.terminate(externalId);
    await delay(pollMs, undefined, { signal: hurry }).catch(() => undefined);
    left = await platform.list();
  }
  const present = new Set(left.map((status) => status.externalId));
  for (const row of await store.control.listInstances(platform.name)) {
    if (!present.has(row.externalId ?? row.id)) await store.control.retireInstance(row.id);
  }
}

/** When each worker was last heard; told from records that a dead worker left behind by changes. */
export type WorkerSigns = ReadonlyMap<string, number>;

export async function readWorkerSigns(store: Store): Promise<WorkerSigns> {
  const workers = await store.workers.list();
  return new Map(workers.map((worker) => [worker.id, worker.lastSeenAt.getTime()]));
}

/** How many workers are ready and have spoken since, once there are `count` or the signal aborts. */
export async function waitForWorkers(
  store: Store,
  before: WorkerSigns,
  count: number,
  signal: AbortSignal,
): Promise<number> {
  for (;;) {
    const workers = await store.workers.list();
    const ready = workers.filter(
      ({ id, state, lastSeenAt }) => state === "ready" && lastSeenAt.getTime() !== before.get(id),
    );
    if (ready.length >= count || signal.aborted) return ready.length;
    await delay(pollMs, undefined, { signal }).catch(() => undefined);
  }
}
