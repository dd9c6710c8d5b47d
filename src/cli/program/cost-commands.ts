import { Option, type Command } from "commander";

import { priorities, useCases, type Priority, type UseCase } from "../../cost/framework.ts";
import {
  byteSize,
  dollars,
  durationMs,
  factor,
  names,
  seconds,
  wholeNumber,
} from "../arguments.ts";
import type { Runner } from "./runner.ts";
import { addCostReport } from "./usage-commands.ts";

interface RawSubjectFlags {
  readonly platform: readonly string[];
  readonly lock?: string;
  readonly vram?: number;
  readonly weights?: number;
  readonly seconds?: number;
  readonly on: string;
  readonly images: number;
}

interface RawTrafficFlags extends RawSubjectFlags {
  readonly requestsPerDay: number;
  readonly peak: number;
}

interface RawCostFlags extends RawTrafficFlags {
  readonly gpu?: string;
  readonly warm: number;
  readonly idle?: number;
}

interface RawCheckFlags extends RawSubjectFlags {
  readonly memory?: number;
  readonly image?: number;
  readonly response?: number;
  readonly workers?: number;
  readonly gpu: readonly string[];
}

interface RawAdviseFlags extends RawTrafficFlags {
  readonly workflow?: string;
  readonly latency: number;
  readonly priority: Priority;
  readonly useCase?: UseCase;
  readonly limit: number;
}

/** What things cost, and will; where a workflow fits, and where it is best run. */
export function addCostCommands(program: Command, run: Runner): void {
  addCheckCommand(program, run);
  addAdviseCommand(program, run);
  const cost = program
    .command("cost")
    .summary("estimate, compare and report costs")
    .description("Estimates, compares and reports costs.");
  addEstimates(cost, run);
  addCostReport(cost, run);
  cost
    .command("price <deployment> <dollars>")
    .description("Says what an hour of a deployment's workers costs where no platform tells.")
    .action((deployment: string, amount: string, _flags: object, command: Command) =>
      run(command, async (context) => {
        const { setPrice } = await import("../commands/budgets.ts");
        await setPrice(context, deployment, dollars(amount));
      }),
    );
}

function addCheckCommand(program: Command, run: Runner): void {
  withSubject(program.command("check [workflow]"))
    .summary("say which platforms a workflow fits")
    .description("Holds a workflow against the limits of platforms; exit 1 where none fits.")
    .option("--memory <size>", "main memory of a worker, such as 16GiB", byteSize)
    .option("--image <size>", "the container image", byteSize)
    .option("--response <size>", "the outputs of a job", byteSize)
    .option("--workers <count>", "workers at once", wholeNumber(1, 100_000))
    .option("--gpu <ids>", "cards that will do, by commas", names, [])
    .action((workflow: string | undefined, flags: RawCheckFlags, command: Command) =>
      run(command, async (context) => {
        const { checkFit } = await import("../commands/check.ts");
        await checkFit(context, {
          ...subject(flags, workflow),
          memoryBytes: flags.memory,
          imageBytes: flags.image,
          responseBytes: flags.response,
          instances: flags.workers,
          gpus: flags.gpu,
        });
      }),
    );
}

function addAdviseCommand(program: Command, run: Runner): void {
  withTraffic(withSubject(program.command("advise")))
    .summary("recommend a platform and a card")
    .description("Plays the traffic on every offer and says which is best, why, and until when.")
    .option("-w, --workflow <file>", "the workflow that will run")
    .option(
      "--latency <duration>",
      "wanted for 95 % of jobs, from submit to result",
      durationMs,
      60_000,
    )
    .addOption(
      new Option("--priority <priority>", "what matters more")
        .choices(priorities)
        .default("balanced"),
    )
    .addOption(new Option("--use-case <case>", "what it is for").choices(useCases))
    .option("--limit <count>", "how many to show", wholeNumber(1, 200), 10)
    .action((flags: RawAdviseFlags, command: Command) =>
      run(command, async (context) => {
        const { giveAdvice } = await import("../commands/advise.ts");
        const { latency, requestsPerDay, peak, priority, useCase, limit } = flags;
        await giveAdvice(context, {
          ...subject(flags, flags.workflow),
          latencyMs: latency,
          requestsPerDay,
          peakFactor: peak,
          priority,
          useCase: useCase ?? null,
          limit,
        });
      }),
    );
}

function addEstimates(cost: Command, run: Runner): void {
  withKeeping(cost.command("estimate [workflow]"))
    .description("Says where the money goes on an offer, line by line.")
    .action((workflow: string | undefined, flags: RawCostFlags, command: Command) =>
      run(command, async (context) => {
        const { estimateCost } = await import("../commands/cost.ts");
        await estimateCost(context, costFlags(flags, workflow));
      }),
    );
  withKeeping(cost.command("compare [workflow]"))
    .description("Compares all-in prices of a job, an image, an hour and a month.")
    .action((workflow: string | undefined, flags: RawCostFlags, command: Command) =>
      run(command, async (context) => {
        const { compareCosts } = await import("../commands/cost.ts");
        await compareCosts(context, costFlags(flags, workflow));
      }),
    );
}

function costFlags(flags: RawCostFlags, workflow: string | undefined) {
  return {
    ...subject(flags, workflow),
    gpu: flags.gpu,
    requestsPerDay: flags.requestsPerDay,
    peakFactor: flags.peak,
    warmInstances: flags.warm,
    idleTailMs: flags.idle,
  };
}

function withKeeping(command: Command): Command {
  return withTraffic(withSubject(command))
    .option("--gpu <id>", "only this card")
    .option("--warm <count>", "instances kept warm", wholeNumber(0, 10_000), 0)
    .option(
      "--idle <duration>",
      "how long an instance idles (default: the platform's)",
      durationMs,
    );
}

function withTraffic(command: Command): Command {
  return command
    .option("--requests-per-day <count>", "jobs a day", wholeNumber(1, 1_000_000), 1_000)
    .option("--peak <factor>", "the busiest hour, in times of the mean", factor(1, 2), 2);
}

function withSubject(command: Command): Command {
  return command
    .option("--platform <ids>", "only these, by commas", names, [])
    .option("--lock <file>", "a hearth.lock that knows the sizes of the models")
    .option("--vram <size>", "video memory that a job needs, such as 20GB", byteSize)
    .option("--weights <size>", "all model files together", byteSize)
    .option("--seconds <seconds>", "of a job on a warm worker", seconds)
    .option("--on <gpu>", "the card on which --seconds were measured", "rtx-4090")
    .option("--images <count>", "images that a job makes", wholeNumber(1, 10_000), 1);
}

function subject(flags: RawSubjectFlags, workflow: string | undefined) {
  const { platform, lock, vram, weights, seconds: runSeconds, on, images } = flags;
  return {
    workflow,
    lock,
    vramBytes: vram,
    weightsBytes: weights,
    runMs: runSeconds,
    on,
    images,
    platforms: platform,
  };
}
