import { chmod, chown, mkdir, readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import {
  copyWithoutLinks,
  isLinux,
  isRoot,
  query,
  startForTest,
  temporaryFolder,
} from "./owner-process.suite.ts";
import { chooseServerAccount, isReachable, parseAccounts } from "./server-account.ts";
import { startEmbeddedPostgres } from "./server.ts";

async function uidOf(pid: number): Promise<number> {
  return (await stat(`/proc/${pid}`)).uid;
}

describe.skipIf(!isRoot || !isLinux)("started by root", () => {
  it("the server runs as nobody, in a data folder that only root may enter", async () => {
    const dataDir = join(await temporaryFolder(), "data");
    const postgres = await startForTest({ dataDir });
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    expect(await uidOf(postgres.postmasterPid)).toBe(65_534);
    await query(
      postgres.connectionString,
      "create table t as select generate_series(1, 5000) as n",
    );
    await query(postgres.connectionString, "vacuum full t");
    await query(postgres.connectionString, "create database clone template template0");
    expect((await stat(join(dataDir, "postgres"))).uid).toBe(0);
  });

  it("the server runs as the owner of the data folder, where that is a user here", async () => {
    const { uid, gid } = parseAccounts(await readFile("/etc/passwd", "utf8")).get("daemon")!;
    const dataDir = await temporaryFolder();
    await chown(dataDir, uid, gid);
    const postgres = await startForTest({ dataDir });
    expect(await uidOf(postgres.postmasterPid)).toBe(uid);
    await postgres.stop();
    await chown(dataDir, 0, 0);
    const again = await startForTest({ dataDir });
    expect(await uidOf(again.postmasterPid)).toBe(uid);
  });

  it("an owner without an account here is passed over, but keeps data that are his", async () => {
    const dataDir = await temporaryFolder();
    await chown(dataDir, 54_321, 54_321);
    const cluster = join(dataDir, "cluster");
    expect(await chooseServerAccount(cluster, dataDir)).toEqual({ uid: 65_534, gid: 65_534 });
    await mkdir(cluster);
    await chown(cluster, 54_321, 54_321);
    expect(await chooseServerAccount(cluster, dataDir)).toEqual({ uid: 54_321, gid: 54_321 });
  });

  it("programs in a checkout that only root may enter are copied to the data folder", async () => {
    const { binDir } = await closedCheckout();
    const dataDir = await temporaryFolder();
    await chmod(dataDir, 0o755);
    const postgres = await startForTest({ dataDir, binDir });
    expect(await uidOf(postgres.postmasterPid)).toBe(65_534);
    expect(await readdir(join(dataDir, "postgres-programs"))).toHaveLength(1);
  });

  it("with both the checkout and the data folder closed they are copied to a shared place, once", async () => {
    const { binDir } = await closedCheckout();
    const shared = await temporaryFolder();
    await chmod(shared, 0o755);
    const sharedCopyFolder = join(shared, "hearth");
    const starts = [await temporaryFolder(), await temporaryFolder()].map((dataDir) =>
      startForTest({ dataDir, binDir, sharedCopyFolder }),
    );
    for (const postgres of await Promise.all(starts)) {
      expect(await query(postgres.connectionString, "select 1 as one")).toEqual([{ one: 1 }]);
    }
    expect(await readdir(sharedCopyFolder)).toHaveLength(1);
  });

  it("with no place for a copy the error tells what to do", async () => {
    const { binDir, closed } = await closedCheckout();
    const dataDir = await temporaryFolder();
    const open = await temporaryFolder();
    await chmod(open, 0o777);
    const refused = startEmbeddedPostgres({ dataDir, binDir, sharedCopyFolder: join(closed, "x") });
    await expect(refused).rejects.toMatchObject({
      code: "database_unavailable",
      message: expect.stringMatching(
        /user 65534.*run it as an ordinary user, or set DATABASE_URL/u,
      ),
    });
    const exchangeable = startEmbeddedPostgres({ dataDir, binDir, sharedCopyFolder: open });
    await expect(exchangeable).rejects.toThrow("others may write to it");
  });
});

describe("the account of the server", () => {
  it.skipIf(isRoot)("is our own when we are not root", async () => {
    expect(await chooseServerAccount("/", "/")).toBeUndefined();
  });

  it("is one of the unprivileged ones of the passwd file", () => {
    const passwd = "root:x:0:0:root:/root:/bin/sh\nnobody:*:-2:-2::/:/x\ndaemon:*:1:1::/:/x\n\nbad";
    expect([...parseAccounts(passwd)]).toEqual([["daemon", { uid: 1, gid: 1 }]]);
  });

  it("reaches a path only if it may search every folder above it", async () => {
    const top = await temporaryFolder();
    const inner = join(top, "inner");
    await mkdir(inner);
    await chmod(inner, 0o755);
    await chmod(top, 0o700);
    const owner = await stat(top);
    const stranger = { uid: owner.uid + 1, gid: owner.gid + 1 };
    expect(await isReachable(inner, stranger, "search")).toBe(false);
    expect(await isReachable(inner, owner, "search")).toBe(true);
    await chmod(top, 0o711);
    expect(await isReachable(inner, stranger, "search")).toBe(true);
    expect(await isReachable(top, stranger, "read")).toBe(false);
    await chmod(top, 0o750);
    expect(await isReachable(inner, { uid: owner.uid + 1, gid: owner.gid }, "search")).toBe(true);
    expect(await isReachable(join(top, "missing"), owner, "search")).toBe(false);
  });
});

/** The programs without links, below a folder that only root may enter. */
async function closedCheckout(): Promise<{ binDir: string; closed: string }> {
  const closed = await temporaryFolder();
  const installation = join(closed, "node_modules", "native");
  await copyWithoutLinks(installation);
  return { binDir: join(installation, "bin"), closed };
}
