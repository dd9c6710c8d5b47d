import { createColors } from "picocolors";

import { HearthError, errorMessage } from "../kernel/errors.ts";
import { CliFailure } from "./failure.ts";
import { oneLine } from "./table.ts";

export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** What a command works with; tests hand in their own. */
export interface Io {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Relative paths start here. */
  readonly folder: string;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>> | null;
}

/** Results go to standard output, everything else to standard error. */
export class Output {
  readonly isJson: boolean;
  readonly colors: ReturnType<typeof createColors>;
  private readonly io: Io;

  constructor(io: Io, isJson: boolean) {
    this.io = io;
    this.isJson = isJson;
    const wantsNoColor = (io.environment["NO_COLOR"] ?? "") !== "";
    this.colors = createColors(!wantsNoColor && io.stderr.isTTY === true);
  }

  /** The command's one result: an envelope with `--json`, the text otherwise. */
  result(data: unknown, text: string): void {
    if (this.isJson) this.io.stdout.write(`${JSON.stringify({ ok: true, data })}\n`);
    else if (text !== "") this.io.stdout.write(`${text}\n`);
  }

  /** Chatter for whoever watches. */
  note(text: string): void {
    this.io.stderr.write(`${text}\n`);
  }

  error(thrown: unknown): void {
    const report = reportOf(thrown);
    if (this.isJson) {
      this.io.stdout.write(`${JSON.stringify({ ok: false, error: report })}\n`);
      return;
    }
    const { red, dim } = this.colors;
    this.note(`${red("error")} ${report.message} ${dim(`(${report.code})`)}`);
    for (const line of nodeErrors(report)) this.note(`  ${line}`);
    this.note(`${dim("hint")}  ${report.hint}`);
  }
}

function reportOf(thrown: unknown): ErrorReport {
  if (thrown instanceof HearthError || thrown instanceof CliFailure) {
    const { code, message, hint, details } = thrown;
    return { code, message, hint, details: details ?? null };
  }
  const hint = "This is a defect; please report it with the command that you ran.";
  return { code: "upstream_error", message: errorMessage(thrown), hint, details: null };
}

/** One line for each thing that is wrong with a workflow: "node 12, model: missing_input". */
function nodeErrors(report: ErrorReport): readonly string[] {
  const found = report.details?.["node_errors"];
  if (typeof found !== "object" || found === null) return [];
  return Object.entries(found).flatMap(([nodeId, errors]) =>
    (Array.isArray(errors) ? errors : []).map((error: unknown) => {
      const { field, reason } = (error ?? {}) as { field?: string; reason?: string };
      return oneLine(`node ${nodeId}, ${field ?? "node"}: ${reason ?? "invalid"}`);
    }),
  );
}
