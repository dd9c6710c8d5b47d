import { execFile } from "node:child_process";
import { access, chmod, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

import type { TestProject } from "vitest/node";

import { HearthError } from "../src/kernel/errors.ts";
import { startEmbeddedPostgres, type EmbeddedPostgres } from "../src/store/embedded/server.ts";

export interface TestServer {
  /** Such as "postgres 18". */
  readonly name: string;
  /** Of a superuser and a database to start from; tests make databases of their own. */
  readonly url: string;
}

declare module "vitest" {
  interface ProvidedContext {
    postgres: readonly TestServer[];
  }
}

interface Started {
  readonly server: TestServer;
  stop(): Promise<void>;
}

const folderPrefix = "hearth-test-postgres-";
const sweptFolders = /^hearth-(?:test-postgres|embedded)-/u;
const abandonedAfterMs = 600_000;
const runFile = promisify(execFile);

/** Nothing in these databases outlives the run, so nothing waits for the disk. */
const testSettings = { fsync: "off", full_page_writes: "off", max_connections: "300" };

/**
 * Vitest's global setup: the newest and the oldest Postgres that we support, for all test files.
 * The oldest must be installed on the machine; HEARTH_REQUIRE_POSTGRES_15=1 makes it a duty.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await sweepAbandonedServers();
  const starts = [startTestServer("postgres 18", undefined)];
  const oldest = await findPostgres15();
  if (oldest !== undefined) {
    starts.push(startTestServer("postgres 15", oldest));
  } else if (process.env["HEARTH_REQUIRE_POSTGRES_15"] !== "1") {
    console.warn("Postgres 15 is not installed: its half of the database tests is skipped.");
  }
  const settled = await Promise.allSettled(starts);
  const started = settled.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
  const stopAll = async (): Promise<void> => {
    await Promise.all(started.map((one) => one.stop()));
  };
  const failed = settled.find((start) => start.status === "rejected");
  if (failed !== undefined) {
    await stopAll();
    throw new Error("A test server did not start", { cause: failed.reason });
  }
  if (oldest === undefined && process.env["HEARTH_REQUIRE_POSTGRES_15"] === "1") {
    await stopAll();
    throw new Error("HEARTH_REQUIRE_POSTGRES_15 is set, but there is no Postgres 15 here.");
  }
  project.provide(
    "postgres",
    started.map((one) => one.server),
  );
  return stopAll;
}

async function startTestServer(name: string, binDir: string | undefined): Promise<Started> {
  const dataDir = await mkdtemp(join(tmpdir(), folderPrefix));
  const remove = (): Promise<void> => rm(dataDir, { recursive: true, force: true });
  let postgres: EmbeddedPostgres;
  try {
    // As root the server runs as somebody else, and version 15 resolves every path by name.
    await chmod(dataDir, 0o755);
    postgres = await startEmbeddedPostgres({
      dataDir,
      extraSettings: testSettings,
      ...(binDir !== undefined && { binDir }),
    });
  } catch (thrown) {
    await remove();
    throw thrown;
  }
  // An interrupted run ends without a teardown; a later one sweeps the folder.
  const endServer = (): void => {
    try {
      process.kill(postgres.postmasterPid, "SIGQUIT");
    } catch {
      // It has ended by itself.
    }
  };
  process.once("exit", endServer);
  const stop = async (): Promise<void> => {
    process.removeListener("exit", endServer);
    await postgres.stop("immediate");
    await remove();
  };
  return { server: { name, url: postgres.connectionString }, stop };
}

/** Ends the servers and removes the folders that killed test runs left behind. */
async function sweepAbandonedServers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!sweptFolders.test(name)) continue;
    const dataDir = join(tmpdir(), name);
    const lock = await stat(join(dataDir, "hearth.lock")).catch(() => undefined);
    // Tests let go of locks and take them over within seconds.
    if (lock === undefined || Date.now() - lock.mtimeMs < abandonedAfterMs) continue;
    try {
      const abandoned = await startEmbeddedPostgres({ dataDir });
      await abandoned.stop("immediate");
    } catch (thrown) {
      if (!(thrown instanceof HearthError) || thrown.code === "data_folder_in_use") continue;
    }
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function findPostgres15(): Promise<string | undefined> {
  const onPath = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const binDir of ["/usr/lib/postgresql/15/bin", ...onPath]) {
    const program = join(binDir, "postgres");
    if (!(await exists(program)) || !(await exists(join(binDir, "initdb")))) continue;
    const version = await runFile(program, ["--version"]).catch(() => ({ stdout: "" }));
    if (version.stdout.includes(" 15.")) return binDir;
  }
  return undefined;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
