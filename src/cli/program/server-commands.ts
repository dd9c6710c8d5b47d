import { Option, type Command } from "commander";

import { durationMs, httpUrl, texts, wholeNumber } from "../arguments.ts";
import type { ComfyuiChoice } from "../comfyui-choice.ts";
import { CliFailure } from "../failure.ts";
import { withMemory, type MemoryFlags } from "../memory-flags.ts";
import type { Runner } from "./runner.ts";

interface RawServerFlags {
  readonly host?: string;
  readonly port?: number;
  readonly publicUrl?: string;
}

interface RawComfyuiFlags {
  readonly comfyuiDir?: string;
  readonly comfyuiArg?: readonly string[];
  readonly comfyuiUrl?: string;
}

interface RawUpFlags extends RawServerFlags, RawComfyuiFlags {
  readonly workers: number;
}

interface RawWorkerFlags extends RawComfyuiFlags, MemoryFlags {
  readonly gateway?: string;
  readonly deployment?: string;
  readonly name?: string;
  readonly folder?: string;
  readonly handler: "auto" | "pull" | "runpod" | "http";
  readonly modelsDir?: string;
  readonly keepAlive?: number;
}

const portNumber = wholeNumber(0, 65_535);

/** Commands that run until they are told to stop. */
export function addServerCommands(program: Command, run: Runner): void {
  withComfyui(withListening(program.command("up")))
    .summary("start everything on this machine")
    .description("Starts database, API, control loops and workers, until Ctrl-C.")
    .option("-w, --workers <count>", "how many workers", wholeNumber(0, 64), 1)
    .action((flags: RawUpFlags, command: Command) =>
      run(command, async (context) => {
        const { runUp } = await import("../commands/up.ts");
        const { workers } = flags;
        await runUp(context, { ...listening(flags), workers, comfyui: comfyuiOf(flags) });
      }),
    );
  withListening(program.command("gateway"))
    .summary("start the API alone")
    .description("Starts the API alone; any number may share a database.")
    .action((flags: RawServerFlags, command: Command) =>
      run(command, async (context) => {
        const { serveGateway } = await import("../commands/gateway.ts");
        await serveGateway(context, listening(flags));
      }),
    );
  program
    .command("controller")
    .summary("start the control loops alone")
    .description("Starts the control loops alone; of several one leads.")
    .action((_flags: object, command: Command) =>
      run(command, async (context) => {
        const { serveController } = await import("../commands/controller.ts");
        await serveController(context);
      }),
    );
  addWorkerCommand(program, run);
  addEngineCommand(program, run);
}

export function addWorkerCommand(program: Command, run: Runner): void {
  withMemory(withComfyui(program.command("worker")))
    .summary("start a worker for a gateway")
    .description("Runs jobs of a gateway on the ComfyUI beside it, or on the built-in engine.")
    .option("-g, --gateway <url>", "where the gateway is", httpUrl)
    .option("-d, --deployment <name>", "whose jobs it runs, without an enrolment token")
    .option("-n, --name <name>", "what it is called")
    .option("--folder <folder>", "its scratch folder")
    .option("--keep-alive <duration>", "ping an idle ComfyUI this long, such as 10m", durationMs)
    .option("--models-dir <folder>", "the models folder of the ComfyUI at --comfyui-url")
    .addOption(
      new Option("--handler <kind>", "who starts it; auto looks where it is")
        .choices(["auto", "pull", "runpod", "http"])
        .default("auto"),
    )
    .action((flags: RawWorkerFlags, command: Command) =>
      run(command, async (context) => {
        const { gateway, deployment, name, folder, modelsDir, keepAlive } = flags;
        const comfyui = comfyuiOf(flags);
        if (comfyui.kind === "url" && flags.slots > 1) {
          throw new CliFailure("usage", "Each slot needs its own ComfyUI: give --comfyui-dir.");
        }
        if (isRunpod(flags.handler, context.io.environment)) {
          const { serveRunpodWorker } = await import("../commands/runpod-worker.ts");
          const again = [process.execPath, ...process.argv.slice(1), "--handler", "pull"];
          return serveRunpodWorker(context, { folder, comfyui }, again);
        }
        if (flags.handler === "http") {
          const { serveHttpWorker } = await import("../commands/http-worker.ts");
          return serveHttpWorker(context, { folder, comfyui });
        }
        const { serveWorker } = await import("../commands/worker.ts");
        const place = { gateway, deployment, name, folder, modelsDir, keepAliveMs: keepAlive };
        await serveWorker(context, { ...place, comfyui, memory: flags });
      }),
    );
}

/** RunPod says so in the environment of its workers. */
function isRunpod(
  handler: RawWorkerFlags["handler"],
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  if (handler !== "auto") return handler === "runpod";
  return (environment["RUNPOD_WEBHOOK_GET_JOB"] ?? "") !== "";
}

function addEngineCommand(program: Command, run: Runner): void {
  program
    .command("engine", { hidden: true })
    .description("Starts the built-in engine alone.")
    .requiredOption("--port <port>", "where it listens on loopback", portNumber)
    .requiredOption("--folder <folder>", "holds its input and output folders")
    .action((flags: { port: number; folder: string }, command: Command) =>
      run(command, async (context) => {
        const { serveEngine } = await import("../commands/engine.ts");
        await serveEngine(context, flags);
      }),
    );
}

function withListening(command: Command): Command {
  return command
    .option("--host <host>", "where the API listens")
    .option("-p, --port <port>", "its port; 0 picks a free one", portNumber)
    .option("--public-url <url>", "how clients and workers reach it", httpUrl);
}

function withComfyui(command: Command): Command {
  return command
    .option("--comfyui-dir <folder>", "start the ComfyUI of this folder")
    .option("--comfyui-arg <flag>", "a flag for it, as --comfyui-arg=--cpu (repeatable)", texts)
    .option("--comfyui-url <url>", "use a ComfyUI that is running", httpUrl);
}

function comfyuiOf(flags: RawComfyuiFlags): ComfyuiChoice {
  const { comfyuiDir: directory, comfyuiUrl: url, comfyuiArg = [] } = flags;
  if (directory !== undefined && url !== undefined) {
    throw new CliFailure("usage", "Give --comfyui-dir or --comfyui-url, not both.");
  }
  if (directory === undefined && comfyuiArg.length > 0) {
    throw new CliFailure("usage", "--comfyui-arg needs --comfyui-dir.");
  }
  if (directory !== undefined) return { kind: "directory", directory, extraArgs: comfyuiArg };
  return url === undefined ? { kind: "engine" } : { kind: "url", url };
}

function listening({ host, port, publicUrl }: RawServerFlags): RawServerFlags {
  return {
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(publicUrl !== undefined && { publicUrl }),
  };
}
