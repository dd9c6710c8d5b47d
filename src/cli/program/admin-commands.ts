import type { Command } from "commander";

import type { Scope } from "../../store/access.ts";
import { durationMs, scopeList } from "../arguments.ts";
import type { Runner } from "./runner.ts";
import { addTenantCommands } from "./tenant-commands.ts";
import { addWorkerTokenCommands } from "./worker-token-commands.ts";

const tenantOption = ["--tenant <name>", "whose it is; made if missing", "default"] as const;

/** Commands that work on the store itself, on the machine of the operator. */
export function addAdminCommands(program: Command, run: Runner): void {
  addKeyCommands(program, run);
  addDeploymentCommands(program, run);
  addTenantCommands(program, run);
  const workers = program
    .command("workers")
    .summary("list and show workers, and let more in")
    .description("Lists and shows workers, and lets more in.");
  workers
    .command("get <worker>")
    .description("Shows a worker, by id or name, with the memory of its GPU.")
    .action((worker: string, _flags: object, command: Command) =>
      run(command, async (context) => {
        const { showWorker } = await import("../commands/workers.ts");
        await showWorker(context, worker);
      }),
    );
  workers
    .command("why <worker>")
    .description("Explains what a worker was given lately, or why it was left idle.")
    .action((worker: string, _flags: object, command: Command) =>
      run(command, async (context) => {
        const { explainWorker } = await import("../commands/why.ts");
        await explainWorker(context, worker);
      }),
    );
  addWorkerTokenCommands(workers, run);
  workers
    .command("ls")
    .description("Lists workers that have not left.")
    .option("-d, --deployment <name>", "only this deployment's")
    .action((flags: { deployment?: string }, command: Command) =>
      run(command, async (context) => {
        const { listWorkers } = await import("../commands/workers.ts");
        await listWorkers(context, { deployment: flags.deployment });
      }),
    );
  program
    .command("doctor")
    .summary("check this installation")
    .description("Checks this installation and says what to do.")
    .action((_flags: object, command: Command) =>
      run(command, async (context) => {
        const { runDoctor } = await import("../commands/doctor.ts");
        await runDoctor(context);
      }),
    );
  program
    .command("migrate")
    .summary("bring the database up to date")
    .description("Brings the database up to date.")
    .option("--check", "only say whether it is; exit 1 if not")
    .action((flags: { check?: boolean }, command: Command) =>
      run(command, async (context) => {
        const { migrateDatabase } = await import("../commands/migrate.ts");
        await migrateDatabase(context, { check: flags.check ?? false });
      }),
    );
}

interface RawKeyFlags {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expires?: number;
  readonly tenant: string;
}

function addKeyCommands(program: Command, run: Runner): void {
  const keys = program
    .command("keys")
    .summary("make, list and revoke API keys")
    .description("Makes, lists and revokes API keys.");
  keys
    .command("create")
    .description("Makes an API key and prints it, once.")
    .option("-n, --name <name>", "what it is for", "unnamed")
    .option("--scopes <list>", "of run, read and admin", scopeList, ["run", "read"])
    .option("--expires <duration>", "until when it is good, such as 90d", durationMs)
    .option(...tenantOption)
    .action((flags: RawKeyFlags, command: Command) =>
      run(command, async (context) => {
        const { name, scopes, tenant, expires } = flags;
        const { createKey } = await import("../commands/keys.ts");
        await createKey(context, { name, scopes, tenant, validMs: expires ?? null });
      }),
    );
  keys
    .command("ls")
    .description("Lists API keys, without their secrets.")
    .action((_flags: object, command: Command) =>
      run(command, async (context) => {
        const { listKeys } = await import("../commands/keys.ts");
        await listKeys(context);
      }),
    );
  keys
    .command("revoke <key>")
    .description("Ends an API key, by its id or by the key itself.")
    .action((key: string, _flags: object, command: Command) =>
      run(command, async (context) => {
        const { revokeKey } = await import("../commands/keys.ts");
        await revokeKey(context, key);
      }),
    );
}

function addDeploymentCommands(program: Command, run: Runner): void {
  const deployments = program
    .command("deployments")
    .summary("list and make deployments")
    .description("Lists and makes deployments.");
  deployments
    .command("ls")
    .description("Lists deployments.")
    .action((_flags: object, command: Command) =>
      run(command, async (context) => {
        const { listDeployments } = await import("../commands/deployments.ts");
        await listDeployments(context);
      }),
    );
  deployments
    .command("create <name>")
    .description("Makes a deployment: a queue with a base URL of its own.")
    .option(...tenantOption)
    .action((name: string, flags: { tenant: string }, command: Command) =>
      run(command, async (context) => {
        const { createDeployment } = await import("../commands/deployments.ts");
        await createDeployment(context, name, { tenant: flags.tenant });
      }),
    );
  deployments
    .command("release <name>")
    .description("Shows what a deployment's workers are to have; with --lock sets it.")
    .option("--lock <file>", "take models and warmup of this hearth.lock")
    .action((name: string, flags: { lock?: string }, command: Command) =>
      run(command, async (context) => {
        const { releaseDeployment } = await import("../commands/deployments.ts");
        await releaseDeployment(context, name, { lock: flags.lock });
      }),
    );
}
