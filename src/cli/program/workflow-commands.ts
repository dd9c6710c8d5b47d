import type { Command } from "commander";

import type { Runner } from "./runner.ts";

const catalogueOption = [
  "-c, --catalogue <file|url>",
  "node classes: a saved /object_info, or a ComfyUI's URL",
] as const;
const packIndexOption = [
  "--pack-index <file>",
  "who brings which class: ComfyUI-Manager's extension-node-map.json",
] as const;
const comfyuiOption = [
  "--comfyui-dir <folder>",
  "take versions and hashes from this ComfyUI",
] as const;

interface RawInspectFlags {
  readonly catalogue?: string;
  readonly packIndex?: string;
  readonly models?: string;
  readonly all?: boolean;
}

interface RawInitFlags extends RawInspectFlags {
  readonly name?: string;
  readonly dir: string;
  readonly force?: boolean;
  readonly comfyuiDir?: string;
}

/** Commands that look at workflows and at what they need. */
export function addWorkflowCommands(program: Command, run: Runner): void {
  program
    .command("inspect")
    .summary("say what a workflow needs")
    .description("Says which models, packs, inputs and memory a workflow needs.")
    .argument("<workflow>", "a file: JSON, PNG, WebP, JPEG, MP4, WebM; - for standard input")
    .option(...catalogueOption)
    .option(...packIndexOption)
    .option("--models <folder>", "a ComfyUI's models folder: which files are there, how large")
    .option("-a, --all", "show all inputs")
    .action((workflow: string, flags: RawInspectFlags, command: Command) =>
      run(command, async (context) => {
        const { catalogue, packIndex, models, all = false } = flags;
        const { inspectWorkflow } = await import("../commands/inspect.ts");
        await inspectWorkflow(context, workflow, { catalogue, packIndex, models, all });
      }),
    );
  program
    .command("init")
    .summary("write hearth.yaml and hearth.lock from workflows")
    .description("Writes hearth.yaml and hearth.lock from workflows and other tools' files.")
    .argument("<file...>", "workflows, comfy-build.yaml, Manager snapshots, .cpack.zip")
    .option("-n, --name <name>", "the deployment's name (default: the first file's)")
    .option("--dir <folder>", "where to write", ".")
    .option("-f, --force", "replace a hearth.yaml that is there")
    .option(...catalogueOption)
    .option(...packIndexOption)
    .option(...comfyuiOption)
    .action((files: readonly string[], flags: RawInitFlags, command: Command) =>
      run(command, async (context) => {
        const { name, dir, force = false, catalogue, packIndex, comfyuiDir } = flags;
        const { initRelease } = await import("../commands/init.ts");
        const options = { name, folder: dir, force, catalogue, packIndex, comfyuiDir };
        await initRelease(context, files, options);
      }),
    );
  addLockCommands(program, run);
}

function addLockCommands(program: Command, run: Runner): void {
  const lock = program
    .command("lock")
    .summary("resolve hearth.yaml, compare locks")
    .description("Resolves hearth.yaml into hearth.lock, and compares locks.");
  lock
    .command("write")
    .description("Writes hearth.lock anew and says what changed.")
    .argument("[manifest]", "the manifest", "hearth.yaml")
    .option(...catalogueOption)
    .option(...comfyuiOption)
    .action((manifest: string, flags: RawInitFlags, command: Command) =>
      run(command, async (context) => {
        const { catalogue, comfyuiDir } = flags;
        const { lockRelease } = await import("../commands/lock.ts");
        await lockRelease(context, manifest, { catalogue, comfyuiDir });
      }),
    );
  lock
    .command("diff")
    .description("Says what changes from one lock to another.")
    .argument("<before>", "a lock")
    .argument("[after]", "another one", "hearth.lock")
    .action((before: string, after: string, _flags: object, command: Command) =>
      run(command, async (context) => {
        const { diffLockFiles } = await import("../commands/lock.ts");
        await diffLockFiles(context, before, after);
      }),
    );
}
