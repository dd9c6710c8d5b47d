import { join } from "node:path";

import { errorMessage } from "../../kernel/errors.ts";
import { createLogger } from "../../observability/logger.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { describeComfyui, type ComfyuiChoice } from "../comfyui-choice.ts";
import { aborted, listenForInterrupts, type Interrupts } from "../interrupts.ts";
import { packagePath } from "../package-paths.ts";
import { Teardown } from "../teardown.ts";
import { formatBanner } from "../up/banner.ts";
import {
  findFirstPicture,
  firstWorkflow,
  makeFirstPicture,
  type FirstPicture,
} from "../up/first-picture.ts";
import { waitForWorkers } from "../up/local-workers.ts";
import { startStack, type Stack } from "../up/stack.ts";
import type { ServerFlags } from "./gateway.ts";

export interface UpFlags extends ServerFlags {
  readonly workers: number;
  readonly comfyui: ComfyuiChoice;
}

/** Longer than the engine needs; a ComfyUI with many custom nodes may take minutes. */
const engineWaitMs = 30_000;
const comfyuiWaitMs = 2_000;

/** `hearth up`: everything in one process tree, until it is told to stop. */
export async function runUp(context: CommandContext, flags: UpFlags): Promise<void> {
  const { io, output } = context;
  const { workers, comfyui, ...serverFlags } = flags;
  const settings = await settingsOf(context, { ...serverFlags });
  const logger = createLogger({ level: settings.logLevel ?? "warn" });
  const interrupts = listenForInterrupts();
  const teardown = new Teardown(logger);
  teardown.add("signals", async () => interrupts.close());
  const { second: hurry } = interrupts;
  try {
    output.note("starting …");
    const options = { settings, logger, io, workers, comfyui, hurry };
    const stack = await startStack(options, teardown);
    const ready = await waitForEngine(stack, flags, interrupts);
    const makesPicture = comfyui.kind === "engine" && ready > 0 && !interrupts.first.aborted;
    const picture = makesPicture ? await firstPicture(context, stack, interrupts) : undefined;
    const facts = {
      url: stack.publicUrl,
      dataDir: stack.dataDir,
      database: stack.database,
      blobs: settings.blobs.kind === "fs" ? "this machine" : `S3 bucket ${settings.blobs.bucket}`,
      workersReady: ready,
      workersWanted: workers,
      workerKind: describeComfyui(comfyui),
      picture,
      // The example needs our engine; for another ComfyUI any exported workflow stands here.
      workflowPath: comfyui.kind === "engine" ? packagePath(firstWorkflow) : "workflow_api.json",
    };
    if (!interrupts.first.aborted) output.result(facts, formatBanner(facts));
    if (ready < workers) void announceWorkers(context, stack, workers, interrupts);
    await aborted(interrupts.first);
    output.note("stopping: workers finish, then the database; Ctrl-C again does not wait for them");
  } finally {
    await teardown.run();
  }
}

/** A real ComfyUI is not waited for: the API takes jobs meanwhile. */
function waitForEngine(stack: Stack, flags: UpFlags, interrupts: Interrupts): Promise<number> {
  const limit = AbortSignal.timeout(flags.comfyui.kind === "engine" ? engineWaitMs : comfyuiWaitMs);
  const signal = AbortSignal.any([limit, interrupts.first]);
  return waitForWorkers(stack.store, stack.workersBefore, flags.workers, signal);
}

/** Never rejects. */
async function announceWorkers(
  { output }: CommandContext,
  stack: Stack,
  wanted: number,
  interrupts: Interrupts,
): Promise<void> {
  const { first: stop } = interrupts;
  if (stop.aborted) return;
  output.note(`workers are still starting; their logs: ${join(stack.dataDir, "workers")}`);
  try {
    await waitForWorkers(stack.store, stack.workersBefore, wanted, stop);
    if (!stop.aborted) output.note("all workers are ready");
  } catch (thrown) {
    if (!stop.aborted) output.note(`whether they are ready is not known: ${errorMessage(thrown)}`);
  }
}

async function firstPicture(
  context: CommandContext,
  stack: Stack,
  interrupts: Interrupts,
): Promise<FirstPicture | undefined> {
  const { dataDir, localUrl } = stack;
  const existing = await findFirstPicture(dataDir);
  if (existing !== undefined) return existing;
  try {
    return await makeFirstPicture(localUrl, dataDir, context.io, interrupts.first);
  } catch (thrown) {
    if (interrupts.first.aborted) return undefined;
    context.output.note(`the first picture was not made: ${errorMessage(thrown)}`);
    return undefined;
  }
}
