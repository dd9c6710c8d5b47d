import { createLogger } from "../../observability/logger.ts";
import { startEngine } from "../../engine/engine.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { aborted, listenForInterrupts } from "../interrupts.ts";

export interface EngineFlags {
  readonly port: number;
  readonly folder: string;
}

/** `hearth engine`: the built-in engine alone, until it is told to stop. Workers start it. */
export async function serveEngine(context: CommandContext, flags: EngineFlags): Promise<void> {
  const settings = await settingsOf(context);
  const logger = createLogger({ level: settings.logLevel ?? "info" });
  const engine = await startEngine({ port: flags.port, folder: flags.folder, logger });
  const interrupts = listenForInterrupts();
  context.output.result({ url: engine.url }, engine.url);
  await aborted(interrupts.first);
  interrupts.close();
  await engine.close();
}
