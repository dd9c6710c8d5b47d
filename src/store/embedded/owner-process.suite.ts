import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { Client } from "pg";
import { afterAll, beforeAll, onTestFinished } from "vitest";

import { packageNameFor } from "./binaries.ts";
import { identifyProcess, signalProcess, waitForExit } from "./process-identity.ts";
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from "./server.ts";

/** The parts that the tests of this folder share. */

export const isRoot = process.geteuid?.() === 0;
export const isLinux = process.platform === "linux";

const runFile = promisify(execFile);

/** An empty folder, removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-embedded-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/**
 * For the top of a test file: sets a data folder up once and returns a function that copies it,
 * stopped, since a copy costs less than an initdb.
 */
export function usePreparedFolder(): () => Promise<string> {
  let prepared = "";
  beforeAll(async () => {
    prepared = await mkdtemp(join(tmpdir(), "hearth-embedded-"));
    const postgres = await startEmbeddedPostgres({ dataDir: prepared });
    await postgres.stop();
  });
  afterAll(() => rm(prepared, { recursive: true, force: true }));
  return async () => {
    const dataDir = await temporaryFolder();
    // Unlike Node's own copy, this keeps the owners.
    await runFile("cp", ["-a", join(prepared, "postgres"), dataDir]);
    return dataDir;
  };
}

/** A server that is stopped after the test, if the test has not done so. */
export async function startForTest(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres(options);
  onTestFinished(() => postgres.stop("immediate"));
  return postgres;
}

/** Another process that starts a server, and tells how that went. */
export interface OwnerProcess {
  readonly pid: number;
  /** The first line it wrote: the server, or the error that it met. */
  readonly report: Promise<OwnerReport>;
  kill(): Promise<void>;
}

export interface OwnerReport {
  readonly postmasterPid?: number;
  readonly connectionString?: string;
  readonly code?: string;
  readonly message?: string;
}

const ownerProgram = `
const { startEmbeddedPostgres } = await import(process.argv[1]);
try {
  const { postmasterPid, connectionString } = await startEmbeddedPostgres(JSON.parse(process.argv[2]));
  console.log(JSON.stringify({ postmasterPid, connectionString }));
  process.stdin.resume();
} catch ({ code, message }) {
  console.log(JSON.stringify({ code, message }));
}`;

export function spawnOwner(options: EmbeddedPostgresOptions): OwnerProcess {
  const server = new URL("server.ts", import.meta.url).href;
  const args = ["--input-type=module", "--eval", ownerProgram, server, JSON.stringify(options)];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const report = Promise.race([
    once(lines, "line").then(([line]) => JSON.parse(String(line)) as OwnerReport),
    exited.then((): OwnerReport => ({ message: "ended without a word" })),
  ]);
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  onTestFinished(kill);
  return { pid: child.pid!, report, kill };
}

/** Rows of one statement on a connection of its own. */
export async function query(
  connectionString: string,
  text: string,
): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 10_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

/** The postmaster and the processes it started. */
export async function processesOf(postmasterPid: number): Promise<readonly number[]> {
  const { stdout } = await runFile("ps", ["-A", "-o", "pid=,ppid="]);
  const pairs = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/u).map(Number));
  const children = pairs.filter(([, parent]) => parent === postmasterPid).map(([pid]) => pid!);
  return [postmasterPid, ...children];
}

/** SIGKILL for a server with all its processes; back when they are gone. */
export async function killServer(postmasterPid: number): Promise<void> {
  const found = await processesOf(postmasterPid);
  const identities = (await Promise.all(found.map(identifyProcess))).filter(
    (one) => one !== undefined,
  );
  await Promise.all(identities.map((one) => signalProcess(one, "SIGKILL")));
  for (const one of identities) {
    if (!(await waitForExit(one, 10_000))) throw new Error(`process ${one.pid} survived SIGKILL`);
  }
}

/** The npm package's programs as an install without scripts leaves them: without links. */
export async function copyWithoutLinks(target: string): Promise<void> {
  const entry = import.meta.resolve(packageNameFor(process.platform, process.arch));
  const installation = join(dirname(fileURLToPath(entry)), "..", "native");
  await mkdir(dirname(target), { recursive: true });
  await runFile("cp", ["-a", installation, target]);
  const libraries = await readdir(join(target, "lib"), { withFileTypes: true });
  const links = libraries.filter((library) => library.isSymbolicLink());
  await Promise.all(links.map((link) => rm(join(target, "lib", link.name))));
}
