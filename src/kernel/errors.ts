import { errorTable, type ErrorCode } from "./error-table.ts";

export interface HearthErrorOptions {
  /** Replaces the table's general message with what happened here. Never carries a secret. */
  readonly message?: string;
  /** Machine-readable detail: field names, reasons, limits. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** Whole seconds, at least 1, sent as `Retry-After`. */
  readonly retryAfterSeconds?: number;
}

/** The one error type that leaves a room on purpose; everything else is a defect. */
export class HearthError extends Error {
  override readonly name = "HearthError";
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, options: HearthErrorOptions = {}) {
    super(
      options.message ?? errorTable[code].message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get httpStatus(): number {
    return errorTable[this.code].httpStatus;
  }

  get hint(): string {
    return errorTable[this.code].hint;
  }
}

/** The text of anything thrown, for logs and wrapped messages. */
export function errorMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
