import type { Command } from "commander";

import { releaseDefaults as first } from "../deploy/defaults.ts";
import { durationMs, httpUrl, pairs, wholeNumber } from "../arguments.ts";
import type { PlaceFlags } from "../commands/deploy-apply.ts";
import type { PlanFlags } from "../commands/deploy-plan.ts";
import type { Runner } from "./runner.ts";

type Yes = { readonly yes?: boolean };

/** What is applied to platforms, and taken away again. */
export function addRolloutCommands(deploy: Command, run: Runner): void {
  withReleaseFlags(deploy.command("plan"))
    .description("Compares a release with what the platform really has; exits 10 on changes.")
    .action((flags: PlanFlags, command: Command) =>
      run(command, async (context) => {
        const { planDeployment } = await import("../commands/deploy-plan.ts");
        return planDeployment(context, flags);
      }),
    );
  withReleaseFlags(deploy.command("apply"))
    .description("Makes the platform have what the release says.")
    .option("-y, --yes", "do not ask")
    .action((flags: PlanFlags & Yes, command: Command) =>
      run(command, async (context) => {
        const { applyDeployment } = await import("../commands/deploy-apply.ts");
        await applyDeployment(context, flags);
      }),
    );
  withPlace(deploy.command("status"))
    .description("Shows what is live, who applied it when, and what differs from it.")
    .action((flags: PlaceFlags, command: Command) =>
      run(command, async (context) => {
        const { showDeployment } = await import("../commands/deploy-apply.ts");
        await showDeployment(context, flags);
      }),
    );
  withPlace(deploy.command("rollback"))
    .description("Applies the release before the live one again.")
    .option("--release <id>", "one of deploy status; default: the one before")
    .option("-y, --yes", "do not ask")
    .action((flags: PlaceFlags & Yes & { readonly release?: string }, command: Command) =>
      run(command, async (context) => {
        const { rollbackDeployment } = await import("../commands/deploy-apply.ts");
        await rollbackDeployment(context, flags);
      }),
    );
  withPlace(deploy.command("destroy"))
    .description("Lets workers finish, then removes all that was applied.")
    .option("-y, --yes", "do not ask")
    .action((flags: PlaceFlags & Yes, command: Command) =>
      run(command, async (context) => {
        const { destroyDeployment } = await import("../commands/deploy-apply.ts");
        await destroyDeployment(context, flags);
      }),
    );
}

function withPlace(command: Command): Command {
  return command
    .requiredOption("--to <platform>", "where to")
    .option("--name <name>", "what the resources are called", "hearth-workers");
}

/** What is not given stays as it is live. */
function withReleaseFlags(command: Command): Command {
  return withPlace(command)
    .option("--image <image>", "the worker image, from hearth build")
    .option("--gateway <url>", "how workers reach the gateway", httpUrl)
    .option("--gpu <id>", `as in hearth catalogue ls; at first ${first.gpu}`)
    .option("-d, --deployment <name>", `whose jobs the workers run; at first ${first.deployment}`)
    .option("--region <region>", `the platform's own name for it; at first ${first.region}`)
    .option(
      "--min <count>",
      `workers that are always there; at first ${first.minWorkers}`,
      wholeNumber(0, 1_000),
    )
    .option("--max <count>", `workers at most; at first ${first.maxWorkers}`, wholeNumber(1, 1_000))
    .option("--cpu <cores>", `of a worker; at first ${first.cpuCores}`, wholeNumber(1, 256))
    .option("--memory <GiB>", `of a worker; at first ${first.memoryGib}`, wholeNumber(1, 4_096))
    .option("--grace <duration>", "for a job to finish when told to stop; at first 15m", durationMs)
    .option("--place <key=value>", "what only you know of the platform, such as subnets", pairs)
    .option("--lock <file>", "a hearth.lock: which models workers are to have")
    .option("--workflow <file>", "warn where it does not fit the platform")
    .option("--render <folder>", "write the manifests as well");
}
