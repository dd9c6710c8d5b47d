import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { Client } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import {
  isLinux,
  killServer,
  query,
  spawnOwner,
  startForTest,
  temporaryFolder,
  usePreparedFolder,
} from "./owner-process.suite.ts";
import { pollUntil } from "./polling.ts";
import { identifyProcess, isRunning, signalProcess, waitForExit } from "./process-identity.ts";

const copyPrepared = usePreparedFolder();

const patience = { timeoutMs: 20_000, intervalMs: 5 };

describe("after a kill -9", () => {
  it("of its owner, the server goes on and the next start takes it over", async () => {
    const dataDir = await copyPrepared();
    const owner = spawnOwner({ dataDir });
    const { postmasterPid, connectionString } = await owner.report;
    const client = await connect(connectionString!);
    await owner.kill();
    await client.query("create table written_after_the_kill as select 1 as id");
    const adopted = await startForTest({ dataDir });
    expect(adopted.wasAdopted).toBe(true);
    expect(adopted.postmasterPid).toBe(postmasterPid);
    expect(adopted.connectionString).toBe(connectionString);
    expect((await client.query("select id from written_after_the_kill")).rows).toEqual([{ id: 1 }]);
    const identity = await identifyProcess(postmasterPid!);
    await adopted.stop();
    expect(await isRunning(identity!)).toBe(false);
  });

  it("of everything under load, the next start has every acknowledged row", async () => {
    const dataDir = await copyPrepared();
    const owner = spawnOwner({ dataDir });
    const { postmasterPid, connectionString } = await owner.report;
    await query(connectionString!, "create table written (id integer primary key)");
    const acknowledged = new Set<number>();
    const writers = [0, 1, 2, 3].map((writer) =>
      writeUntilCut(connectionString!, writer, acknowledged),
    );
    await pollUntil(async () => (acknowledged.size >= 400 ? true : undefined), patience);
    await Promise.all([owner.kill(), killServer(postmasterPid!)]);
    await Promise.all(writers);
    expect(acknowledged.size).toBeGreaterThanOrEqual(400);
    const recovered = await startForTest({ dataDir });
    expect(recovered.wasAdopted).toBe(false);
    const rows = await query(recovered.connectionString, "select id from written");
    const kept = new Set(rows.map((row) => row["id"]));
    expect([...acknowledged].filter((id) => !kept.has(id))).toEqual([]);
    const log = await readFile(join(dataDir, "postgres", "server.log"), "utf8");
    expect(log).toContain("automatic recovery in progress");
  });

  it("of everything, a stale postmaster.pid that names a stranger does not stop the next start", async () => {
    const dataDir = await copyPrepared();
    const owner = spawnOwner({ dataDir });
    const { postmasterPid } = await owner.report;
    await Promise.all([owner.kill(), killServer(postmasterPid!)]);
    const path = join(dataDir, "postgres", "data", "postmaster.pid");
    const [, ...rest] = (await readFile(path, "utf8")).split("\n");
    await writeFile(path, [String(process.pid), ...rest].join("\n"));
    const restarted = await startForTest({ dataDir });
    expect(restarted.wasAdopted).toBe(false);
  });

  it("of everything, a postmaster.pid that a power cut emptied does not stop the next start", async () => {
    const dataDir = await copyPrepared();
    const first = await startForTest({ dataDir });
    await first.stop("immediate");
    await writeFile(join(dataDir, "postgres", "data", "postmaster.pid"), "");
    const restarted = await startForTest({ dataDir });
    expect(await query(restarted.connectionString, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("in the middle of the set-up, the next start begins anew and leaves nothing half-made", async () => {
    const dataDir = await temporaryFolder();
    const owner = spawnOwner({ dataDir });
    const isUnderWay = await pollUntil(() => findDraft(dataDir), {
      timeoutMs: 20_000,
      intervalMs: 1,
    });
    await owner.kill();
    expect(isUnderWay).toBe(true);
    await expect(stat(join(dataDir, "postgres"))).rejects.toThrow("ENOENT");
    const postgres = await startForTest({ dataDir });
    expect(await query(postgres.connectionString, "select 1 as one")).toEqual([{ one: 1 }]);
    expect((await readdir(dataDir)).sort()).toEqual(["hearth.lock", "postgres"]);
  });

  it("of the server alone, its owner starts it again under the same address", async () => {
    const dataDir = await copyPrepared();
    const postgres = await startForTest({ dataDir });
    const before = postgres.postmasterPid;
    await query(postgres.connectionString, "create table kept as select 7 as id");
    await killServer(before);
    await postgres.check();
    expect(postgres.postmasterPid).not.toBe(before);
    expect(await query(postgres.connectionString, "select id from kept")).toEqual([{ id: 7 }]);
  });

  it.skipIf(!isLinux)(
    "of its first process alone, a query left behind does not stop the next start",
    async () => {
      const dataDir = await copyPrepared();
      const postgres = await startForTest({ dataDir });
      const client = await connect(postgres.connectionString);
      const [row] = (await client.query<{ pid: number }>("select pg_backend_pid() as pid")).rows;
      const busy = (await identifyProcess(row!.pid))!;
      // Hours of work that never looks around.
      const work = client.query("select count(*) from generate_series(1, 1e12::bigint)");
      const cut = work.catch(() => "cut");
      await pollUntil(() => backendIsActive(postgres.connectionString, busy.pid), patience);
      const first = (await identifyProcess(postgres.postmasterPid))!;
      await signalProcess(first, "SIGKILL");
      await waitForExit(first, 10_000);
      expect(await isRunning(busy)).toBe(true);
      await postgres.check();
      expect(postgres.postmasterPid).not.toBe(first.pid);
      expect(await isRunning(busy)).toBe(false);
      expect(await cut).toBe("cut");
    },
  );

  it("again and again, the owner gives up after five starts instead of looping", async () => {
    const dataDir = await copyPrepared();
    const messages: string[] = [];
    const keep = (_: object, message: string): void => void messages.push(message);
    const logger = { info: keep, warn: keep, error: keep };
    const postgres = await startForTest({ dataDir, logger, clock: { now: () => 0 } });
    for (let kill = 0; kill < 6; kill++) {
      await killServer(postgres.postmasterPid);
      await postgres.check();
    }
    expect(messages).toEqual([
      "private Postgres started",
      ...Array.from({ length: 5 }, () => "private Postgres has ended; starting it again"),
      "private Postgres keeps ending; giving up",
    ]);
    await postgres.stop();
  });
});

async function connect(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString });
  client.on("error", () => undefined);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

async function backendIsActive(url: string, pid: number): Promise<true | undefined> {
  const rows = await query(
    url,
    `select 1 from pg_stat_activity where pid = ${pid} and state = 'active'`,
  );
  return rows.length > 0 ? true : undefined;
}

/** One row a commit, until the server is killed. */
async function writeUntilCut(
  connectionString: string,
  writer: number,
  acknowledged: Set<number>,
): Promise<void> {
  const client = await connect(connectionString);
  try {
    for (let row = 0; row < 1_000_000; row++) {
      const id = row * 10 + writer;
      await client.query("insert into written values ($1)", [id]);
      acknowledged.add(id);
    }
  } catch {
    // The kill; what counts is what was acknowledged before.
  }
}

/** True when an initdb has begun to write data. */
async function findDraft(dataDir: string): Promise<true | undefined> {
  const names = await readdir(dataDir);
  const draft = names.find((name) => name.startsWith("postgres.new-"));
  if (draft === undefined) return undefined;
  const written = await readdir(join(dataDir, draft, "data")).catch((): string[] => []);
  return written.includes("base") ? true : undefined;
}
