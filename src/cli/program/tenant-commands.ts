import type { Command } from "commander";

import type { JobPriority } from "../../queue/queue-key.ts";
import type { TenantLimits } from "../../store/tenants.ts";
import { durationMs, priority, wholeNumber } from "../arguments.ts";
import type { Runner } from "./runner.ts";

const maxJobs = 1_000_000_000;
const maxWeight = 1_000;

/** Limits of tenants and shared deployments, on the machine of the operator. */
export function addTenantCommands(program: Command, run: Runner): void {
  const tenants = program
    .command("tenants")
    .summary("limit tenants, and share deployments between them")
    .description("Limits tenants, and shares deployments between them.");
  tenants
    .command("ls")
    .description("Lists tenants with their limits and what they used today.")
    .action((_flags: object, command: Command) =>
      run(command, async (context) => {
        const { listTenants } = await import("../commands/tenants.ts");
        await listTenants(context);
      }),
    );
  tenants
    .command("set <tenant>")
    .description("Sets limits of a tenant; none takes a limit away.")
    .option("--priority <name>", "of jobs that do not say: low, normal, high, critical", priority)
    .option("--max-queued <count>", "jobs waiting, over all deployments", orNone(count))
    .option("--max-running <count>", "jobs running at once", orNone(count))
    .option("--max-gpu-time <duration>", "time on workers in a day (UTC)", orNone(durationMs))
    .action((tenant: string, flags: RawLimits, command: Command) =>
      run(command, async (context) => {
        const { setTenant } = await import("../commands/tenants.ts");
        await setTenant(context, tenant, limitsOf(flags));
      }),
    );
  tenants
    .command("share <tenant> <deployment>")
    .description("Lets a tenant use a deployment of another one.")
    .option("--weight <number>", "its share beside the others'", wholeNumber(1, maxWeight), 1)
    .action((tenant: string, deployment: string, flags: { weight: number }, command: Command) =>
      run(command, async (context) => {
        const { shareDeployment } = await import("../commands/tenants.ts");
        await shareDeployment(context, tenant, deployment, flags.weight);
      }),
    );
  tenants
    .command("unshare <tenant> <deployment>")
    .description("Takes that permission back; jobs that are queued already still run.")
    .action((tenant: string, deployment: string, _flags: object, command: Command) =>
      run(command, async (context) => {
        const { unshareDeployment } = await import("../commands/tenants.ts");
        await unshareDeployment(context, tenant, deployment);
      }),
    );
}

interface RawLimits {
  readonly priority?: JobPriority;
  readonly maxQueued?: number | "none";
  readonly maxRunning?: number | "none";
  readonly maxGpuTime?: number | "none";
}

function limitsOf(flags: RawLimits): Partial<TenantLimits> {
  const { priority: defaultPriority, maxQueued, maxRunning, maxGpuTime } = flags;
  return {
    ...(defaultPriority !== undefined && { defaultPriority }),
    ...(maxQueued !== undefined && { maxQueued: limitOf(maxQueued) }),
    ...(maxRunning !== undefined && { maxRunning: limitOf(maxRunning) }),
    ...(maxGpuTime !== undefined && { maxGpuMsADay: limitOf(maxGpuTime) }),
  };
}

const count = wholeNumber(1, maxJobs);

/** Not null: commander takes that for an option without a value. */
function orNone(read: (text: string) => number): (text: string) => number | "none" {
  return (text) => (text === "none" ? "none" : read(text));
}

function limitOf(value: number | "none"): number | null {
  return value === "none" ? null : value;
}
