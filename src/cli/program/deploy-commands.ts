import type { Command } from "commander";

import type { Runner } from "./runner.ts";

interface RawBuildFlags {
  readonly out: string;
  readonly bakeModels?: boolean;
  readonly baseImage?: string;
  readonly python?: string;
}

/** From a lock to what runs in a cloud. */
export function addDeployCommands(program: Command, run: Runner): void {
  program
    .command("build [lock]")
    .summary("write the build context of a worker image")
    .description("Writes Dockerfile, agent and bill of materials of a release's worker image.")
    .option("-o, --out <folder>", "where to", "hearth-image")
    .option("--bake-models", "put the weights into the image as well")
    .option("--base-image <image>", "what the image is based on")
    .option("--python <version>", "such as 3.12; default: the lock's")
    .action((lock: string | undefined, flags: RawBuildFlags, command: Command) =>
      run(command, async (context) => {
        const { buildImage } = await import("../commands/build.ts");
        const { out, bakeModels: isBaked = false, baseImage, python } = flags;
        await buildImage(context, { lock: lock ?? "hearth.lock", out, isBaked, baseImage, python });
      }),
    );
}
