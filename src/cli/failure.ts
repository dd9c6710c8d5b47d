/** What only a command can report; no server sends these codes. */
export const cliCodes = {
  usage: { exit: "usage", hint: "See the command's --help." },
  timeout: { exit: "timeout", hint: "The job goes on; look again with hearth jobs watch." },
  canceled: { exit: "failed", hint: "Somebody canceled the job; submit it again." },
  interrupted: { exit: "interrupted", hint: "Run the command again." },
  file_exists: { exit: "failed", hint: "Add --force to replace files." },
  checks_failed: { exit: "failed", hint: "Follow the hints beside the checks." },
} as const;

export type CliCode = keyof typeof cliCodes;

/** Ends a command with a code of its own and an exit code. */
export class CliFailure extends Error {
  override readonly name = "CliFailure";
  readonly code: CliCode;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(
    code: CliCode,
    message: string,
    options: { readonly hint?: string; readonly details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message);
    this.code = code;
    this.hint = options.hint ?? cliCodes[code].hint;
    this.details = options.details;
  }

  get exit(): (typeof cliCodes)[CliCode]["exit"] {
    return cliCodes[this.code].exit;
  }
}
