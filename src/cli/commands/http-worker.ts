import { createLogger } from "../../observability/logger.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { createHttpHandler } from "../handlers/http.ts";
import { aborted, listenForInterrupts } from "../interrupts.ts";
import { serverToken } from "../own-server.ts";
import { openDirectRunner } from "./direct-runner.ts";
import type { WorkerFlags } from "./worker.ts";

/** Cloud Run's replies hold 32 MiB; base64 makes three bytes four. */
const maxBytes = 23_000_000;
const tokenVariable = "HEARTH_HANDLER_TOKEN";
const defaultPort = 8_080;

/**
 * `hearth worker --handler http`: workflows come by HTTP, without a gateway. A container's platform
 * says the port in `PORT`, and then reaches it from outside; elsewhere it listens on loopback. On
 * SIGTERM what runs is finished. Errors: `usage` beyond loopback without a token.
 */
export async function serveHttpWorker(
  context: CommandContext,
  flags: Pick<WorkerFlags, "folder" | "comfyui">,
): Promise<void> {
  const { environment } = context.io;
  const settings = await settingsOf(context);
  const logger = createLogger({ level: settings.logLevel ?? "info" });
  const isContainer = (environment["PORT"] ?? "") !== "";
  const host = isContainer ? "0.0.0.0" : "127.0.0.1";
  const token = serverToken(tokenVariable, host, environment);
  // What the worker starts, custom nodes included, inherits the environment.
  delete process.env[tokenVariable];
  const direct = await openDirectRunner(context, flags, settings, { logger, maxBytes });
  const interrupts = listenForInterrupts();
  const app = createHttpHandler({ direct, token, logger, stop: interrupts.second });
  const port = Number(environment["PORT"] ?? defaultPort);
  await app.listen({ host, port });
  logger.info({ host, port }, "workflows are taken by HTTP");
  await aborted(interrupts.first);
  await app.close();
  await direct.close();
  interrupts.close();
  context.output.result({ reason: "stopped" }, "stopped");
}
