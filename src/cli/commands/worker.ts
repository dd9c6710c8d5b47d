import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";

import { HearthError } from "../../kernel/errors.ts";
import { createLogger } from "../../observability/logger.ts";
import { startSlots } from "../../worker/slots.ts";
import { baseUrlOf, settingsOf, type CommandContext } from "../command-context.ts";
import type { ComfyuiChoice } from "../comfyui-choice.ts";
import { comfyuiTargets } from "../comfyui-target.ts";
import { aborted, listenForInterrupts } from "../interrupts.ts";
import type { MemoryFlags } from "../memory-flags.ts";
import { openModels } from "../model-store.ts";

export interface WorkerFlags {
  readonly gateway: string | undefined;
  readonly deployment: string | undefined;
  readonly name: string | undefined;
  readonly folder: string | undefined;
  readonly comfyui: ComfyuiChoice;
  readonly memory: MemoryFlags;
  /** The `models` folder of a ComfyUI that somebody else runs. */
  readonly modelsDir: string | undefined;
  /** How long after its last job it is kept from looking idle. */
  readonly keepAliveMs: number | undefined;
}

const enrollmentVariable = "HEARTH_ENROLLMENT_TOKEN";

/** `hearth worker`: one agent beside each ComfyUI of a card, until it is drained or told to stop. */
export async function serveWorker(context: CommandContext, flags: WorkerFlags): Promise<void> {
  const { environment } = context.io;
  const settings = await settingsOf(context);
  const logger = createLogger({ level: settings.logLevel ?? "info" });
  const enrollmentToken = takeEnrollmentToken(environment);
  const folder = resolve(
    context.io.folder,
    flags.folder ?? environment["HEARTH_WORKER_FOLDER"] ?? join(settings.dataDir, "worker"),
  );
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const gateway = flags.gateway ?? environment["HEARTH_GATEWAY_URL"] ?? baseUrlOf(environment);
  const name = flags.name ?? environment["HEARTH_WORKER_NAME"] ?? hostname();
  const externalId = environment["HEARTH_EXTERNAL_ID"];
  const { slots: count, reserveVram: reserveBytes, ...shares } = flags.memory;
  const places = { count, folder, workingFolder: context.io.folder, reserveBytes };
  const models = await openModels(settings, context.io, logger);
  // Custom nodes would inherit them.
  for (const secret of models.secretVariables) delete process.env[secret];
  const { modelsDir } = flags;
  const agent = startSlots({
    gatewayUrl: gateway.replace(/\/+$/u, ""),
    name,
    slots: await comfyuiTargets(flags.comfyui, places),
    memory: {
      ...(reserveBytes !== undefined && { slotReserveBytes: reserveBytes }),
      ...(shares.memoryStrategy !== undefined && { strategy: shares.memoryStrategy }),
      ...(shares.evict !== undefined && { evictionOrder: shares.evict }),
      ...(shares.pinVram !== undefined && { pinned: shares.pinVram }),
    },
    folder,
    logger,
    models: {
      store: models.store,
      ...(modelsDir !== undefined && { folder: resolve(context.io.folder, modelsDir) }),
    },
    ...(enrollmentToken !== undefined && { enrollmentToken }),
    ...(flags.keepAliveMs !== undefined && { keepAliveMs: flags.keepAliveMs }),
    ...(flags.deployment !== undefined && { deployment: flags.deployment }),
    ...(externalId !== undefined && externalId !== "" && { externalId }),
  });
  const interrupts = listenForInterrupts();
  void aborted(interrupts.first).then(() => agent.stop());
  void aborted(interrupts.second).then(() => agent.stop(0));
  logger.info({ name, gateway }, "worker has started");
  const { reason, detail } = await agent.done;
  interrupts.close();
  await models.close();
  const text = detail === undefined ? reason : `${reason}: ${detail}`;
  logger.info({ reason, detail }, "worker has left");
  if (reason === "refused") {
    throw new HearthError("unauthorized", {
      message: `The gateway refused this worker (${text}).`,
    });
  }
  context.output.result({ reason, detail: detail ?? null }, text);
}

/** Gone from the environment at once: what the worker starts, custom nodes included, inherits it. */
function takeEnrollmentToken(
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const token = environment[enrollmentVariable];
  delete process.env[enrollmentVariable];
  return token === undefined || token === "" ? undefined : token;
}
