import type { Command } from "commander";

import { durationMs } from "../arguments.ts";
import type { Runner } from "./runner.ts";

interface RawTokenFlags {
  readonly deployment: string;
  readonly valid: number;
}

const monthMs = 30 * 24 * 3_600_000;

/** Tokens for workers that nobody launched: added by hand, or started by a platform itself. */
export function addWorkerTokenCommands(workers: Command, run: Runner): void {
  const token = workers
    .command("token")
    .summary("make, list and revoke tokens that let workers in")
    .description("Makes, lists and revokes tokens that let workers in.");
  token
    .command("create")
    .description("Makes a token for any number of workers and prints it, once.")
    .option("-d, --deployment <name>", "whose jobs they run", "default")
    .option("--valid <duration>", "how long it lets workers in, such as 90d", durationMs, monthMs)
    .action((flags: RawTokenFlags, command: Command) =>
      run(command, async (context) => {
        const { createWorkerToken } = await import("../commands/worker-tokens.ts");
        await createWorkerToken(context, { deployment: flags.deployment, validMs: flags.valid });
      }),
    );
  token
    .command("ls")
    .description("Lists tokens that still let workers in, without their secrets.")
    .action((_flags: object, command: Command) =>
      run(command, async (context) => {
        const { listWorkerTokens } = await import("../commands/worker-tokens.ts");
        await listWorkerTokens(context);
      }),
    );
  token
    .command("revoke <id>")
    .description("Ends a token; workers that it let in stay.")
    .action((id: string, _flags: object, command: Command) =>
      run(command, async (context) => {
        const { revokeWorkerToken } = await import("../commands/worker-tokens.ts");
        await revokeWorkerToken(context, id);
      }),
    );
}
