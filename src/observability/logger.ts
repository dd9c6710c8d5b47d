import { pino, type DestinationStream, type Logger } from "pino";

export type { Logger };

export interface LoggerOptions {
  readonly level: "silent" | "error" | "warn" | "info" | "debug";
  /** Default: standard error, so that standard output stays for results. */
  readonly destination?: DestinationStream;
}

/** Wherever they occur in a log entry, these fields are masked. */
const secretFields = [
  "authorization",
  "cookie",
  "token",
  "workerToken",
  "enrollmentToken",
  "secret",
  "password",
  "connectionString",
  "extraData",
  "extra_data",
  "url",
  "headers",
];

/** One JSON line an event on standard error; credentials and signed URLs are masked by field name. */
export function createLogger(options: LoggerOptions): Logger {
  return pino(
    {
      level: options.level,
      base: null,
      redact: {
        paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
        censor: "[masked]",
      },
    },
    options.destination ?? pino.destination({ dest: 2, sync: true }),
  );
}
