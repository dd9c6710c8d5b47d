import type { Command } from "commander";

import { durationMs, httpUrl, wholeNumber } from "../arguments.ts";
import { releaseDefaults } from "../deploy/defaults.ts";
import { addRolloutCommands } from "./rollout-commands.ts";
import type { Runner } from "./runner.ts";

interface RawBuildFlags {
  readonly out: string;
  readonly bakeModels?: boolean;
  readonly baseImage?: string;
  readonly python?: string;
}

/** From a lock to what runs in a cloud. */
export function addDeployCommands(program: Command, run: Runner): void {
  addRenderCommand(program, run);
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

interface RawRenderFlags {
  readonly image: string;
  readonly gateway: string;
  readonly gpu: string;
  readonly name: string;
  readonly deployment: string;
  readonly region: string;
  readonly min: number;
  readonly max: number;
  readonly cpu: number;
  readonly memory: number;
  readonly grace: number;
  readonly out?: string;
}

function addRenderCommand(program: Command, run: Runner): void {
  const deploy = program
    .command("deploy")
    .summary("plan, apply and remove what platforms are given")
    .description("Plans, applies and removes what platforms are given.");
  addRolloutCommands(deploy, run);
  deploy
    .command("render <platform>")
    .description("Writes manifests for people who apply them themselves.")
    .requiredOption("--image <image>", "the worker image, from hearth build")
    .requiredOption("--gateway <url>", "how workers reach the gateway", httpUrl)
    .option("--gpu <id>", "as in hearth catalogue ls", releaseDefaults.gpu)
    .option("--name <name>", "what the resources are called", "hearth-workers")
    .option("-d, --deployment <name>", "whose jobs the workers run", releaseDefaults.deployment)
    .option("--region <region>", "the platform's own name for it", releaseDefaults.region)
    .option(
      "--min <count>",
      "workers that are always there",
      wholeNumber(0, 1_000),
      releaseDefaults.minWorkers,
    )
    .option("--max <count>", "workers at most", wholeNumber(1, 1_000), releaseDefaults.maxWorkers)
    .option("--cpu <cores>", "of a worker", wholeNumber(1, 256), releaseDefaults.cpuCores)
    .option("--memory <GiB>", "of a worker", wholeNumber(1, 4_096), releaseDefaults.memoryGib)
    .option(
      "--grace <duration>",
      "for a job to finish when told to stop",
      durationMs,
      releaseDefaults.graceSeconds * 1_000,
    )
    .option("-o, --out <folder>", "where to; default: hearth-deploy/<platform>")
    .action((platform: string, flags: RawRenderFlags, command: Command) =>
      run(command, async (context) => {
        const { renderDeployment } = await import("../commands/deploy.ts");
        const { name, deployment, image, gpu, region, out } = flags;
        await renderDeployment(context, {
          platform,
          name,
          deployment,
          image,
          gpu,
          region,
          out,
          gatewayUrl: flags.gateway.replace(/\/+$/u, ""),
          minWorkers: flags.min,
          maxWorkers: flags.max,
          cpuCores: flags.cpu,
          memoryGib: flags.memory,
          graceSeconds: Math.ceil(flags.grace / 1_000),
        });
      }),
    );
}
