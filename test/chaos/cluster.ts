import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { findFreePort } from "../../src/store/embedded/readiness.ts";
import { startEmbeddedPostgres, type EmbeddedPostgres } from "../../src/store/embedded/server.ts";
import { migrate } from "../../src/store/postgres/migrate.ts";
import { Api } from "../e2e/api.ts";

const maxRestarts = 4;
const hearth = fileURLToPath(new URL("../../bin/hearth.mjs", import.meta.url));

/** Asks until the answer is there, for at most `limitMs`. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  limitMs = 60_000,
): Promise<T> {
  const untilMs = performance.now() + limitMs;
  let last: unknown;
  while (performance.now() < untilMs) {
    const answer = await ask().catch((thrown: unknown) => {
      last = thrown;
      return undefined;
    });
    if (answer !== undefined) return answer;
    await delay(50);
  }
  throw new Error(`${what} did not come about within ${limitMs} ms: ${String(last)}`);
}

/** Gateway, controller and workers as processes of their own over a private Postgres. */
export class Cluster {
  readonly api: Api;
  readonly folder: string;
  private postgres: EmbeddedPostgres;
  private postgresKills = 0;
  private readonly port: number;
  private readonly processes = new Map<string, ChildProcess>();

  private constructor(folder: string, postgres: EmbeddedPostgres, port: number) {
    this.folder = folder;
    this.postgres = postgres;
    this.port = port;
    this.api = new Api(`http://127.0.0.1:${port}`);
  }

  static async start(
    workers: number,
    options: { readonly hasController?: boolean } = {},
  ): Promise<Cluster> {
    const folder = await mkdtemp(join(tmpdir(), "hearth-kills-"));
    const postgres = await startEmbeddedPostgres({ dataDir: join(folder, "database") });
    await migrate(postgres.connectionString);
    const cluster = new Cluster(folder, postgres, await findFreePort());
    await cluster.startGateway();
    if (options.hasController ?? true) cluster.spawn("controller", ["controller"]);
    for (let index = 0; index < workers; index++) cluster.startWorker(`worker-${index}`);
    return cluster;
  }

  async startGateway(): Promise<void> {
    this.spawn("gateway", ["gateway", "--port", String(this.port)]);
    const url = `${this.api.baseUrl}/health`;
    await eventually("the gateway", async () => ((await fetch(url)).ok ? true : undefined));
  }

  startWorker(name: string): void {
    const place = ["--name", name, "--folder", join(this.folder, name)];
    this.spawn(name, ["worker", "--gateway", this.api.baseUrl, ...place]);
  }

  get databaseUrl(): string {
    return this.postgres.connectionString;
  }

  /** Runs a file of the tests as a process beside the others. */
  startScript(name: string, file: URL, environment: Readonly<Record<string, string>>): void {
    this.start(name, [fileURLToPath(file)], environment);
  }

  /** Kills a process of ours with SIGKILL and waits until it is gone. */
  async kill(name: string): Promise<void> {
    const child = this.processes.get(name);
    if (child?.pid === undefined) throw new Error(`there is no process ${name}`);
    const gone = once(child, "exit");
    process.kill(child.pid, "SIGKILL");
    await gone;
  }

  /** Kills the engine that a worker has started. */
  async killEngineOf(name: string): Promise<void> {
    const folder = join(this.folder, name);
    const pid = await eventually("the engine's process", async () => {
      for (const entry of await readdir("/proc")) {
        if (!/^\d+$/u.test(entry)) continue;
        const line = await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "");
        const words = line.split("\0");
        const isEngine = words.includes("engine") && words.some((word) => word.startsWith(folder));
        if (isEngine && !line.includes("leash")) return Number(entry);
      }
      return undefined;
    });
    process.kill(pid, "SIGKILL");
  }

  /** The server is started again by whoever holds it, but not more often than a few times. */
  async killPostgres(): Promise<void> {
    this.postgresKills++;
    process.kill(this.postgres.postmasterPid, "SIGKILL");
    if (this.postgresKills % maxRestarts !== 0) return;
    await this.postgres.stop("immediate");
    this.postgres = await startEmbeddedPostgres({ dataDir: join(this.folder, "database") });
  }

  async stop(): Promise<void> {
    const children = [...this.processes.values()].filter((child) => child.exitCode === null);
    await Promise.all(
      children.map(async (child) => {
        if (child.signalCode !== null) return;
        const gone = once(child, "exit");
        child.kill("SIGKILL");
        await gone;
      }),
    );
    await this.postgres.stop();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  private spawn(name: string, args: readonly string[]): void {
    this.start(name, [hearth, ...args], {});
  }

  private start(
    name: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): void {
    const env = {
      ...process.env,
      ...environment,
      DATABASE_URL: this.postgres.connectionString,
      HEARTH_DATA: join(this.folder, "data"),
      HEARTH_URL: this.api.baseUrl,
    };
    const shows = process.env.TEST_LOG === "1" ? "inherit" : "ignore";
    const stdio = ["ignore", "ignore", shows] as const;
    this.processes.set(name, spawn(process.execPath, [...args], { env, stdio: [...stdio] }));
  }
}
