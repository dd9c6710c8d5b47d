import { InvalidArgumentError, type Command } from "commander";

import { texts, wholeNumber } from "../arguments.ts";
import type { Runner } from "./runner.ts";

interface RawPullFlags {
  readonly from?: readonly string[];
  readonly sha256?: string;
  readonly lock?: string;
  readonly into?: string;
}

/** Commands that work on the store of model files of this machine. */
export function addModelCommands(program: Command, run: Runner): void {
  const models = program
    .command("models")
    .summary("fetch, pin and remove model files")
    .description("Fetches, pins and removes the model files of this machine.");
  models
    .command("ls")
    .description("Lists model files.")
    .action((_flags: object, command: Command) =>
      run(command, async (context) => {
        const { listModels } = await import("../commands/models.ts");
        await listModels(context);
      }),
    );
  models
    .command("pull [model]")
    .description("Fetches a model, named folder/filename, or all of a lock.")
    .option("--from <source>", "a URL, hf:org/repo/path, civitai:id, a path (repeatable)", texts)
    .option("--sha256 <hex>", "what its bytes must hash to", sha256)
    .option("--lock <file>", "a hearth.lock that says where models are")
    .option("--into <folder>", "also place them in this ComfyUI models folder")
    .action((model: string | undefined, flags: RawPullFlags, command: Command) =>
      run(command, async (context) => {
        const { from = [], sha256: hash, lock, into } = flags;
        const { pullModels } = await import("../commands/models.ts");
        await pullModels(context, model, { from, sha256: hash, lock, into });
      }),
    );
  for (const [name, pinned, text] of [
    ["pin", true, "Keeps models from being evicted."],
    ["unpin", false, "Lets models be evicted again."],
  ] as const) {
    models
      .command(`${name} <models...>`)
      .description(text)
      .action((keys: readonly string[], _flags: object, command: Command) =>
        run(command, async (context) => {
          const { pinModels } = await import("../commands/models.ts");
          await pinModels(context, keys, pinned);
        }),
      );
  }
  addUpkeepCommands(models, run);
  addServeCommand(models, run);
}

function addServeCommand(models: Command, run: Runner): void {
  models
    .command("serve")
    .description("Gives model files to other machines, by hash, until Ctrl-C.")
    .option("--host <host>", "where it listens", "127.0.0.1")
    .option("-p, --port <port>", "its port; 0 picks a free one", wholeNumber(0, 65_535), 8_790)
    .action((flags: { host: string; port: number }, command: Command) =>
      run(command, async (context) => {
        const { serveModels } = await import("../commands/models-serve.ts");
        await serveModels(context, flags);
      }),
    );
}

function addUpkeepCommands(models: Command, run: Runner): void {
  models
    .command("verify [models...]")
    .description("Reads files again; removes those whose bytes have changed and exits 1.")
    .action((keys: readonly string[], _flags: object, command: Command) =>
      run(command, async (context) => {
        const { verifyModels } = await import("../commands/models.ts");
        await verifyModels(context, keys);
      }),
    );
  models
    .command("rm <models...>")
    .description("Removes models and their places in ComfyUI folders.")
    .action((keys: readonly string[], _flags: object, command: Command) =>
      run(command, async (context) => {
        const { removeModels } = await import("../commands/models.ts");
        await removeModels(context, keys);
      }),
    );
  models
    .command("gc")
    .description("Evicts down to the limits and removes what nothing refers to.")
    .action((_flags: object, command: Command) =>
      run(command, async (context) => {
        const { collectModels } = await import("../commands/models.ts");
        await collectModels(context);
      }),
    );
}

function sha256(text: string): string {
  if (/^[0-9a-f]{64}$/u.test(text)) return text;
  throw new InvalidArgumentError("It must be 64 lower-case hex digits.");
}
