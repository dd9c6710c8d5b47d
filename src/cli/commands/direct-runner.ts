import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";

import type { Settings } from "../../config/schema.ts";
import type { Logger } from "../../observability/logger.ts";
import type { CommandContext } from "../command-context.ts";
import { comfyuiTargets } from "../comfyui-target.ts";
import { DirectRunner } from "../handlers/direct.ts";
import type { WorkerFlags } from "./worker.ts";

/** What runs workflows without a gateway, in the worker's scratch folder. */
export async function openDirectRunner(
  { io }: CommandContext,
  flags: Pick<WorkerFlags, "folder" | "comfyui">,
  settings: Settings,
  { logger, maxBytes }: { readonly logger: Logger; readonly maxBytes: number },
): Promise<DirectRunner> {
  const { folder: workingFolder } = io;
  const folder = resolve(workingFolder, flags.folder ?? join(settings.dataDir, "worker"));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const places = { count: 1, folder, workingFolder, reserveBytes: undefined };
  const target = async (): ReturnType<DirectTarget> => {
    const [first] = await comfyuiTargets(flags.comfyui, places);
    if (first === undefined) throw new Error("a card has at least one slot");
    return first;
  };
  return new DirectRunner({ target, folder, logger, maxBytes });
}

type DirectTarget = ConstructorParameters<typeof DirectRunner>[0]["target"];
