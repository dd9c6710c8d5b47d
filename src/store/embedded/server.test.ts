import { execFile } from "node:child_process";
import { once } from "node:events";
import { access, readdir, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

import { describe, expect, it } from "vitest";

import { identifyProcess } from "./process-identity.ts";
import {
  processesOf,
  query,
  spawnOwner,
  startForTest,
  temporaryFolder,
  usePreparedFolder,
} from "./owner-process.suite.ts";
import { readConnectionString, startEmbeddedPostgres } from "./server.ts";

const runFile = promisify(execFile);
const debianBinDir = "/usr/lib/postgresql/15/bin";
const hasDebian = await access(join(debianBinDir, "initdb")).then(
  () => true,
  () => false,
);

const copyPrepared = usePreparedFolder();

describe("the private Postgres", () => {
  it("is set up by the first start: durable, checksummed, on loopback, with a password", async () => {
    const dataDir = join(await temporaryFolder(), "data");
    expect(await readConnectionString(dataDir)).toBeUndefined();
    const postgres = await startForTest({ dataDir });
    expect(await readConnectionString(dataDir)).toBe(postgres.connectionString);
    expect(postgres.wasAdopted).toBe(false);
    expect(postgres.serverVersion).toMatch(/^18\./u);
    const [settings] = await query(
      postgres.connectionString,
      `select current_database() as database, current_setting('fsync') as fsync,
        current_setting('full_page_writes') as full_page_writes,
        current_setting('synchronous_commit') as synchronous_commit,
        current_setting('data_checksums') as data_checksums,
        current_setting('server_encoding') as encoding,
        current_setting('listen_addresses') as listen_addresses,
        current_setting('unix_socket_directories') as sockets`,
    );
    expect(settings).toEqual({
      database: "hearth",
      fsync: "on",
      full_page_writes: "on",
      synchronous_commit: "on",
      data_checksums: "on",
      encoding: "UTF8",
      listen_addresses: "127.0.0.1",
      sockets: "",
    });
    const wrong = postgres.connectionString.replace(/:[^:@]+@/u, ":wrong@");
    await expect(query(wrong, "select 1")).rejects.toThrow("password authentication failed");
    const secrets = await stat(join(dataDir, "postgres", "credentials.json"));
    expect(secrets.mode & 0o777).toBe(0o600);
  });

  it("keeps its data, its port and its password over a restart", async () => {
    const dataDir = await copyPrepared();
    const first = await startForTest({ dataDir });
    await query(first.connectionString, "create table kept as select 42 as id");
    await first.stop();
    const second = await startForTest({ dataDir });
    expect(second.wasAdopted).toBe(false);
    expect(second.connectionString).toBe(first.connectionString);
    expect(await query(second.connectionString, "select id from kept")).toEqual([{ id: 42 }]);
  });

  it("leaves no process, no lock and no draft behind when it stops", async () => {
    const dataDir = await copyPrepared();
    const postgres = await startForTest({ dataDir });
    const pids = await processesOf(postgres.postmasterPid);
    expect(pids.length).toBeGreaterThan(3);
    await Promise.all([postgres.stop(), postgres.stop()]);
    expect(await Promise.all(pids.map(identifyProcess))).toEqual(pids.map(() => undefined));
    expect(await readdir(dataDir)).toEqual(["postgres"]);
  });

  it.skipIf(process.platform === "win32")(
    "has a process group of its own, out of reach of a Ctrl-C in the terminal",
    async () => {
      const postgres = await startForTest({ dataDir: await copyPrepared() });
      const { stdout } = await runFile("ps", ["-o", "pgid=", "-p", String(postgres.postmasterPid)]);
      expect(Number(stdout)).toBe(postgres.postmasterPid);
    },
  );

  it("refuses a second start, from another process and from this one", async () => {
    const dataDir = await copyPrepared();
    await startForTest({ dataDir });
    const inUse = {
      code: "data_folder_in_use",
      message: `Another Hearth (process ${process.pid}) is running on the data folder ${dataDir}.`,
    };
    expect(await spawnOwner({ dataDir }).report).toEqual(inUse);
    await expect(startEmbeddedPostgres({ dataDir })).rejects.toMatchObject({
      ...inUse,
      details: { pid: process.pid, folder: dataDir },
    });
  });

  it("moves to another port when its own was taken meanwhile", async () => {
    const dataDir = await copyPrepared();
    const first = await startForTest({ dataDir });
    await first.stop();
    const port = Number(new URL(first.connectionString).port);
    const squatter = createServer().listen(port, "127.0.0.1");
    await once(squatter, "listening");
    const second = await startForTest({ dataDir });
    squatter.close();
    expect(second.connectionString).not.toBe(first.connectionString);
    expect(await query(second.connectionString, "select 1 as one")).toEqual([{ one: 1 }]);
    expect(await readConnectionString(dataDir)).toBe(second.connectionString);
  });

  it("is not mistaken for that of a copied data folder, when both start at once", async () => {
    const folders = [await copyPrepared(), await copyPrepared(), await copyPrepared()];
    const servers = await Promise.all(folders.map((dataDir) => startForTest({ dataDir })));
    const answers = servers.map((postgres) =>
      query(postgres.connectionString, "select current_setting('hearth.data_folder') as folder"),
    );
    expect(await Promise.all(answers)).toEqual(
      folders.map((dataDir) => [{ folder: join(dataDir, "postgres", "data") }]),
    );
  });

  it("takes settings that win over its own, and lets go of the folder if Postgres refuses them", async () => {
    const dataDir = await temporaryFolder();
    const wrong = startEmbeddedPostgres({ dataDir, extraSettings: { shared_buffers: "plenty" } });
    await expect(wrong).rejects.toMatchObject({
      code: "database_unavailable",
      message: expect.stringContaining('invalid value for parameter "shared_buffers"'),
    });
    const right = await startForTest({ dataDir, extraSettings: { work_mem: "5MB" } });
    const [row] = await query(right.connectionString, "show work_mem");
    expect(row).toEqual({ work_mem: "5MB" });
  });

  it("names a data folder that cannot be used", async () => {
    const file = join(await temporaryFolder(), "file");
    await writeFile(file, "");
    await expect(startEmbeddedPostgres({ dataDir: join(file, "data") })).rejects.toMatchObject({
      code: "config_invalid",
      message: expect.stringContaining(join(file, "data")),
    });
  });

  it.skipIf(!hasDebian)("refuses data of another major version, saying which", async () => {
    const dataDir = await copyPrepared();
    const current = await startForTest({ dataDir });
    await current.stop();
    const older = startEmbeddedPostgres({ dataDir, binDir: debianBinDir });
    await expect(older).rejects.toMatchObject({
      code: "config_invalid",
      message: expect.stringMatching(/is of Postgres 18, but the programs are of 15\./u),
    });
  });
});
