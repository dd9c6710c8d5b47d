import { loadSettings } from "../config/load.ts";
import type { Settings } from "../config/schema.ts";
import { ApiClient } from "./api/client.ts";
import type { Io, Output } from "./output.ts";

/** Flags that every command takes. */
export interface GlobalFlags {
  readonly json?: boolean;
  readonly config?: string;
  readonly data?: string;
  readonly logLevel?: string;
}

/** What a command gets besides its own arguments. */
export interface CommandContext {
  readonly io: Io;
  readonly output: Output;
  readonly globals: GlobalFlags;
}

const defaultUrl = "http://127.0.0.1:8787";

/** Settings with a command's own flags on top. Errors: `config_invalid`. */
export function settingsOf(
  context: CommandContext,
  flags: Readonly<Record<string, unknown>> = {},
): Promise<Settings> {
  const { io, globals } = context;
  return loadSettings({
    flags: { dataDir: globals.data, logLevel: globals.logLevel, ...flags },
    environment: io.environment,
    folder: io.folder,
    ...(globals.config !== undefined && { configPath: globals.config }),
  });
}

/** A client for the gateway of `HEARTH_URL`, or of the deployment's mount there. */
export function clientOf(context: CommandContext, deployment?: string): ApiClient {
  const { environment } = context.io;
  const url = baseUrlOf(environment).replace(/\/+$/u, "");
  const mount = deployment === undefined ? "" : `/d/${encodeURIComponent(deployment)}`;
  const apiKey = environment["HEARTH_API_KEY"];
  return new ApiClient({
    baseUrl: url + mount,
    apiKey: apiKey === undefined || apiKey === "" ? undefined : apiKey,
  });
}

export function baseUrlOf(environment: Io["environment"]): string {
  const url = environment["HEARTH_URL"];
  return url === undefined || url === "" ? defaultUrl : url;
}
