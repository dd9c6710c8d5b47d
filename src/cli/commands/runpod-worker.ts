import { createLogger } from "../../observability/logger.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { handleRunpodJobs } from "../handlers/runpod.ts";
import { RunpodJobs } from "../handlers/runpod-jobs.ts";
import { listenForInterrupts } from "../interrupts.ts";
import { openDirectRunner } from "./direct-runner.ts";
import type { WorkerFlags } from "./worker.ts";

/** RunPod takes 20 MB; base64 makes three bytes four. */
const maxBytes = 14_000_000;

/**
 * `hearth worker` in a container of RunPod Serverless: takes RunPod's jobs, of which a launch of
 * Hearth's starts an agent (`agentCommand`). Errors: `config_invalid` elsewhere.
 */
export async function serveRunpodWorker(
  context: CommandContext,
  flags: Pick<WorkerFlags, "folder" | "comfyui">,
  agentCommand: readonly string[],
): Promise<void> {
  const { environment } = context.io;
  const settings = await settingsOf(context);
  const logger = createLogger({ level: settings.logLevel ?? "info" });
  const direct = await openDirectRunner(context, flags, settings, { logger, maxBytes });
  const jobs = new RunpodJobs({ environment, logger });
  const interrupts = listenForInterrupts();
  await handleRunpodJobs({ jobs, agentCommand, environment, direct, logger }, interrupts.first);
  interrupts.close();
  context.output.result({ reason: "stopped" }, "stopped");
}
