import type { Command } from "commander";

import { durationMs, inputs, pairs, priority, sets, wholeNumber } from "../arguments.ts";
import type { InputAssignment } from "../run/values.ts";
import type { Runner } from "./runner.ts";

interface RawRunFlags {
  readonly input?: readonly InputAssignment[];
  readonly set?: readonly InputAssignment[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly out: string;
  readonly force?: boolean;
  readonly wait: boolean;
  readonly deployment?: string;
  readonly priority?: string;
  readonly timeout?: number;
  readonly catalogue?: string;
}

/** Commands that speak to a gateway as any client does. */
export function addClientCommands(program: Command, run: Runner): void {
  program
    .command("run")
    .summary("run a workflow and save its outputs")
    .description("Runs a workflow, or that of a picture or video made by ComfyUI.")
    .argument("<workflow>", "a file: JSON, PNG, WebP, JPEG, MP4, WebM; - for standard input")
    .option("-i, --input <node.input=value>", "an input; @file uploads a file (repeatable)", inputs)
    .option(
      "-s, --set <node.input=json>",
      "an input's value as JSON, else as text (repeatable)",
      sets,
    )
    .option("-o, --out <folder>", "where outputs are saved", ".")
    .option("-f, --force", "replace files that are there")
    .option("-d, --deployment <name>", "which deployment runs it")
    .option("-p, --priority <class>", "low, normal, high or critical", priority)
    .option("-m, --metadata <key=value>", "a label of the job (repeatable)", pairs)
    .option("-t, --timeout <duration>", "give up watching after this long, such as 10m", durationMs)
    .option("-c, --catalogue <file|url>", "node classes, to run a workflow of the editor")
    .option("--no-wait", "print the job's id and leave")
    .action((workflow: string, flags: RawRunFlags, command: Command) =>
      run(command, async (context) => {
        const { runWorkflow } = await import("../commands/run.ts");
        await runWorkflow(context, workflow, {
          assignments: [...(flags.set ?? []), ...(flags.input ?? [])],
          metadata: flags.metadata ?? {},
          out: flags.out,
          force: flags.force ?? false,
          wait: flags.wait,
          deployment: flags.deployment,
          priority: flags.priority,
          timeoutMs: flags.timeout,
          catalogue: flags.catalogue,
        });
      }),
    );
  addJobCommands(program, run);
}

interface RawListFlags {
  readonly limit: number;
  readonly cursor?: string;
  readonly deployment?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

function addWhyCommand(jobs: Command, run: Runner): void {
  jobs
    .command("why <job>")
    .description("Explains a job's place in the queue, and why it ran where it did (operators).")
    .action((job: string, _flags: object, command: Command) =>
      run(command, async (context) => {
        const { explainJob } = await import("../commands/why.ts");
        await explainJob(context, job);
      }),
    );
}

function addJobCommands(program: Command, run: Runner): void {
  const jobs = program
    .command("jobs")
    .summary("list, follow and cancel jobs")
    .description("Lists, follows and cancels jobs.");
  jobs
    .command("ls")
    .description("Lists jobs, newest first.")
    .option("-l, --limit <count>", "how many", wholeNumber(1, 200), 20)
    .option("--cursor <cursor>", "go on after an earlier list")
    .option("-d, --deployment <name>", "only this deployment's")
    .option("-m, --metadata <key=value>", "only with this label (repeatable)", pairs)
    .action((flags: RawListFlags, command: Command) =>
      run(command, async (context) => {
        const { limit, cursor, deployment, metadata = {} } = flags;
        const { listJobs } = await import("../commands/jobs.ts");
        await listJobs(context, { limit, cursor, deployment, metadata });
      }),
    );
  jobs
    .command("get <job>")
    .description("Shows how a job stands; with --out saves its outputs.")
    .option("-o, --out <folder>", "save the outputs there")
    .option("-f, --force", "replace files that are there")
    .action((job: string, flags: { out?: string; force?: boolean }, command: Command) =>
      run(command, async (context) => {
        const { getJob } = await import("../commands/jobs.ts");
        await getJob(context, job, { out: flags.out, force: flags.force ?? false });
      }),
    );
  jobs
    .command("watch <job>")
    .description("Follows a job until it has ended.")
    .option("-t, --timeout <duration>", "give up after this long, such as 10m", durationMs)
    .action((job: string, flags: { timeout?: number }, command: Command) =>
      run(command, async (context) => {
        const { watchToEnd } = await import("../commands/jobs.ts");
        await watchToEnd(context, job, { timeoutMs: flags.timeout });
      }),
    );
  addWhyCommand(jobs, run);
  jobs
    .command("cancel <job>")
    .description("Cancels a job.")
    .action((job: string, _flags: object, command: Command) =>
      run(command, async (context) => {
        const { cancelJob } = await import("../commands/jobs.ts");
        await cancelJob(context, job);
      }),
    );
  jobs
    .command("logs <job>")
    .description("Prints what ComfyUI wrote while the job ran.")
    .action((job: string, _flags: object, command: Command) =>
      run(command, async (context) => {
        const { printLogs } = await import("../commands/jobs.ts");
        await printLogs(context, job);
      }),
    );
}
