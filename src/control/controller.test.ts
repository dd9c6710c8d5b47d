import { createHash, randomBytes, randomUUID } from "node:crypto";
import { Readable } from "node:stream";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import { postgresServers } from "../../test/database.ts";
import { addWorker, claimOne, newJob, openTestStore, type TestStore } from "../../test/store.ts";
import { uuidV7 } from "../kernel/id.ts";
import { createLogger } from "../observability/logger.ts";
import { MemoryBlobs } from "./memory-blobs.suite.ts";
import { startController, type Controller, type ControllerOptions } from "./controller.ts";
import { expireOverdue } from "./expire.ts";
import { Reaper } from "./reap.ts";
import { Reconciler } from "./reconcile.ts";
import { ScriptedPlatform } from "./scripted-platform.suite.ts";
import { sweepOnce } from "./sweep.ts";

const logger = createLogger({ level: "silent" });
const [server] = postgresServers();

function mintToken(): { token: string; tokenHash: Uint8Array } {
  const token = randomUUID();
  return { token, tokenHash: createHash("sha256").update(token).digest() };
}

async function setup(): Promise<TestStore> {
  const fixture = await openTestStore(server?.url ?? "");
  onTestFinished(() => fixture.close());
  return fixture;
}

function heard(fixture: TestStore, topic: "job" | "queue"): string[] {
  const ids: string[] = [];
  fixture.store.signals.subscribe(topic, (id) => ids.push(id));
  return ids;
}

function control(fixture: TestStore, change: Partial<ControllerOptions> = {}): Controller {
  const controller = startController({
    store: fixture.store,
    blobs: new MemoryBlobs(),
    platforms: [],
    desired: [],
    gatewayUrl: "http://127.0.0.1:9",
    logger,
    clock: { now: () => Date.now() },
    lease: { heartbeatMs: 10, leaseMs: 20, reaperIntervalMs: 10 },
    random: Math.random,
    newId: () => uuidV7(Date.now(), randomBytes(10)),
    mintToken,
    reconcileIntervalMs: 10,
    electionIntervalMs: 10,
    ...change,
  });
  onTestFinished(() => controller.close());
  return controller;
}

describe("the reaper", () => {
  it("queues the job of a silent worker again and wakes its watchers and its pool", async () => {
    const fixture = await setup();
    const job = newJob(fixture);
    await fixture.store.jobs.submit(job);
    await claimOne(fixture, await addWorker(fixture), 1);
    const jobs = heard(fixture, "job");
    const pools = heard(fixture, "queue");
    let now = 0;
    const clock = { now: () => now };
    const reaper = new Reaper({ store: fixture.store, logger, clock, leaseMs: 20 });
    await reaper.pass();
    expect(jobs).toEqual([]);
    now = 20;
    await reaper.pass();
    expect(jobs).toEqual([job.id]);
    expect(pools).toEqual([String(fixture.deploymentId)]);
    const found = await fixture.store.jobs.get(fixture.tenantId, job.id);
    expect(found).toMatchObject({ state: "queued", epoch: 1 });
  });

  it("waits a full lease again after the database was away", async () => {
    const fixture = await setup();
    let isAway = false;
    const uptime = fixture.store.control.databaseUptimeMs.bind(fixture.store.control);
    fixture.store.control.databaseUptimeMs = () =>
      isAway ? Promise.reject(new Error("away")) : uptime();
    const reap = vi.spyOn(fixture.store.control, "reapExpiredLeases");
    let now = 0;
    const reaper = new Reaper({
      store: fixture.store,
      logger,
      clock: { now: () => now },
      leaseMs: 1_000,
    });
    now = 5_000;
    isAway = true;
    await expect(reaper.pass()).rejects.toThrow("away");
    isAway = false;
    now = 5_999;
    await reaper.pass();
    expect(reap).not.toHaveBeenCalled();
    now = 6_000;
    await vi.waitFor(async () => {
      await reaper.pass();
      expect(reap).toHaveBeenCalled();
    });
  });
});

describe("expiry", () => {
  it("expires queued jobs past their deadline and wakes those who wait", async () => {
    const fixture = await setup();
    const late = newJob(fixture, { deadlineMs: 1 });
    const early = newJob(fixture);
    await fixture.store.jobs.submit(late);
    await fixture.store.jobs.submit(early);
    const jobs = heard(fixture, "job");
    await vi.waitFor(async () => {
      await expireOverdue(fixture.store, logger);
      expect(jobs).toEqual([late.id]);
    });
    const found = await fixture.store.jobs.get(fixture.tenantId, late.id);
    expect(found).toMatchObject({ state: "expired", failure: { code: "deadline_exceeded" } });
  });
});

describe("the sweeper", () => {
  it("deletes jobs past their retention, then bytes that no record names, and keeps the others", async () => {
    const fixture = await setup();
    const { store } = fixture;
    const blobs = new MemoryBlobs();
    const job = newJob(fixture, { retentionMs: 1 });
    await store.jobs.submit(job);
    await store.jobs.requestCancel(fixture.tenantId, job.id);
    const kept = `jobs/${job.id}/1/kept`;
    const given = `jobs/${job.id}/2/given-up`;
    for (const key of [kept, given, "uploads/1/other"]) {
      await blobs.put(key, Readable.from([Buffer.from(key)]));
    }
    // Somebody uploaded the very bytes that this record still names.
    await store.assets.mint(
      {
        id: randomUUID(),
        tenantId: fixture.tenantId,
        hash: `blake3:${"a".repeat(64)}`,
        contentType: "image/png",
        filePath: null,
        tags: [],
        retentionMs: null,
        blob: { key: kept, sizeBytes: 1 },
      },
      null,
    );
    await vi.waitFor(async () => {
      await sweepOnce(store, blobs, logger);
      expect(await store.jobs.get(fixture.tenantId, job.id)).toBeUndefined();
      const trash = await fixture.query("select key from blob_trash");
      expect(trash.rows).toEqual([{ key: `jobs/${job.id}/` }]);
    });
    expect(blobs.keys()).toHaveLength(3);
    await fixture.query("update blob_trash set not_before = clock_timestamp()");
    await sweepOnce(store, blobs, logger);
    expect(blobs.keys()).toEqual([kept, "uploads/1/other"]);
    expect((await fixture.query("select key from blob_trash")).rows).toEqual([]);
  });
});

describe("the reconciler", () => {
  const open = async (count: number): Promise<Parts> => {
    const fixture = await setup();
    const platform = new ScriptedPlatform("scripted");
    let now = Date.now();
    const { deploymentId } = fixture;
    const reconciler = new Reconciler({
      store: fixture.store,
      platform,
      desired: [{ platform: "scripted", deploymentId, deployment: "default", count }],
      gatewayUrl: "http://gateway",
      logger,
      clock: { now: () => now },
      newId: randomUUID,
      mintToken,
      silentMs: 120_000,
    });
    const advance = (ms: number): void => {
      now += ms;
    };
    return { fixture, platform, reconciler, advance };
  };
  interface Parts {
    readonly fixture: TestStore;
    readonly platform: ScriptedPlatform;
    readonly reconciler: Reconciler;
    readonly advance: (ms: number) => void;
  }
  const rows = (fixture: TestStore) => fixture.store.control.listInstances("scripted");

  it("writes the row before the launch and gives a token that enrols once", async () => {
    const { fixture, platform, reconciler } = await open(2);
    await reconciler.pass();
    await reconciler.pass();
    expect(platform.launched).toHaveLength(2);
    expect(await rows(fixture)).toMatchObject([{ state: "running" }, { state: "running" }]);
    const [spec] = platform.launched;
    const hash = createHash("sha256")
      .update(spec?.enrollmentToken ?? "")
      .digest();
    const worker = (): { id: string; name: string; tokenHash: Uint8Array } => ({
      id: randomUUID(),
      name: "w",
      tokenHash: randomBytes(32),
    });
    expect(await fixture.store.workers.enroll(hash, worker())).toMatchObject({
      deploymentId: fixture.deploymentId,
    });
    expect(await fixture.store.workers.enroll(hash, worker())).toBeUndefined();
  });

  it("does not launch twice when the reply to a launch is lost", async () => {
    const { fixture, platform, reconciler } = await open(1);
    platform.answer = "lost_reply";
    await reconciler.pass();
    expect(await rows(fixture)).toMatchObject([{ state: "launching", externalId: null }]);
    await reconciler.pass();
    expect(platform.launched).toHaveLength(1);
    const [spec] = platform.launched;
    expect(await rows(fixture)).toMatchObject([
      { state: "running", externalId: `x-${spec?.clientToken ?? ""}` },
    ]);
  });

  it("lets no worker in whose launch was given up, and takes one that introduces itself", async () => {
    const { fixture, platform, reconciler } = await open(1);
    platform.answer = "unreachable";
    await reconciler.pass();
    const [spec] = platform.launched;
    const hash = createHash("sha256").update(spec!.enrollmentToken).digest();
    const worker = { id: randomUUID(), name: "w", tokenHash: randomBytes(32), externalId: "job-7" };
    await fixture.store.workers.enroll(hash, worker);
    expect(await rows(fixture)).toMatchObject([{ state: "running", externalId: "job-7" }]);
    const late = randomBytes(32);
    const { deploymentId } = fixture;
    const instanceId = spec!.clientToken;
    const enrollment = { tokenHash: late, deploymentId, instanceId, validMs: 60_000 };
    await fixture.store.workers.createEnrollment(enrollment);
    await fixture.store.control.retireInstance(instanceId);
    const latecomer = { ...worker, id: randomUUID(), tokenHash: randomBytes(32) };
    expect(await fixture.store.workers.enroll(late, latecomer)).toBeUndefined();
  });

  it("notes what an instance really runs on, and is patient while it waits for capacity", async () => {
    const { fixture, platform, reconciler, advance } = await open(1);
    await reconciler.pass();
    const [status] = [...platform.instances.values()];
    const hardware = { gpu: "L4", region: "eu-1", isSpot: true };
    platform.instances.set(status!.externalId, { ...status!, state: "pending", hardware });
    await reconciler.pass();
    expect(await rows(fixture)).toMatchObject([{ hardware }]);
    advance(600_000);
    await reconciler.pass();
    expect(platform.terminated).toEqual([]);
    advance(600_000);
    await reconciler.pass();
    expect(platform.terminated).toEqual([status!.externalId]);
  });

  it("gives a refused launch up at once, and waits longer each time", async () => {
    const { fixture, platform, reconciler, advance } = await open(1);
    platform.answer = "refused";
    await reconciler.pass();
    expect(await rows(fixture)).toEqual([]);
    await reconciler.pass();
    expect(platform.launched).toHaveLength(1);
    advance(1_000);
    await reconciler.pass();
    await reconciler.pass();
    expect(platform.launched).toHaveLength(2);
    advance(1_000);
    await reconciler.pass();
    expect(platform.launched).toHaveLength(2);
  });

  it("tries an unanswered launch again after a minute, and then waits", async () => {
    const { fixture, platform, reconciler, advance } = await open(1);
    platform.answer = "unreachable";
    await reconciler.pass();
    await reconciler.pass();
    expect(platform.launched).toHaveLength(1);
    advance(61_000);
    await reconciler.pass();
    expect(await rows(fixture)).toMatchObject([{ state: "launching" }]);
    expect(platform.launched).toHaveLength(2);
  });

  it("ends leases of an instance that is gone, so that its job is taken over at once", async () => {
    const { fixture, platform, reconciler } = await open(1);
    await reconciler.pass();
    const [spec] = platform.launched;
    const workerId = randomUUID();
    const hash = createHash("sha256")
      .update(spec?.enrollmentToken ?? "")
      .digest();
    const worker = { id: workerId, name: "w", tokenHash: randomBytes(32) };
    await fixture.store.workers.enroll(hash, worker);
    const job = newJob(fixture);
    await fixture.store.jobs.submit(job);
    await claimOne(fixture, workerId, 3_600_000);
    platform.instances.clear();
    await reconciler.pass();
    const reaped = await fixture.store.control.reapExpiredLeases(10);
    expect(reaped).toMatchObject([{ jobId: job.id, outcome: "requeued" }]);
  });

  it("terminates an instance that nobody wrote down", async () => {
    const { platform, reconciler } = await open(0);
    platform.instances.set("zombie", { externalId: "zombie", clientToken: null, state: "running" });
    await reconciler.pass();
    expect(platform.terminated).toEqual(["zombie"]);
  });
});

describe("the controller", () => {
  it("leads once among several and hands over when the leader closes", async () => {
    const fixture = await setup();
    const platforms = [1, 2].map((number) => new ScriptedPlatform(`p${number}`));
    const passes = platforms.map((platform) => vi.spyOn(platform, "list"));
    const [first, second] = platforms.map((platform) =>
      control(fixture, { platforms: [platform] }),
    );
    await vi.waitFor(() => expect(passes.some((pass) => pass.mock.calls.length > 2)).toBe(true));
    const leader = (passes[0]?.mock.calls.length ?? 0) > 0 ? 0 : 1;
    expect(passes[1 - leader]).not.toHaveBeenCalled();
    await (leader === 0 ? first : second)?.close();
    await vi.waitFor(() => expect(passes[1 - leader]).toHaveBeenCalled());
  });

  it("stops when the lead is lost and takes it again", async () => {
    const fixture = await setup();
    const platform = new ScriptedPlatform("p");
    const pass = vi.spyOn(platform, "list");
    control(fixture, { platforms: [platform] });
    await vi.waitFor(() => expect(pass).toHaveBeenCalled());
    const killed = await fixture.query(
      `select pg_terminate_backend(pid) from pg_locks
       where locktype = 'advisory' and granted and database =
         (select oid from pg_database where datname = current_database())`,
    );
    expect(killed.rows).toHaveLength(1);
    const before = pass.mock.calls.length;
    await vi.waitFor(() => expect(pass.mock.calls.length).toBeGreaterThan(before + 2));
  });

  it("looks after the platforms of its own host also where it does not lead", async () => {
    const fixture = await setup();
    const leadership = await fixture.store.tryLead();
    const platform = new ScriptedPlatform("local", "host");
    const everywhere = new ScriptedPlatform("cloud");
    const { deploymentId } = fixture;
    control(fixture, {
      platforms: [platform, everywhere],
      desired: [{ platform: "local", deploymentId, deployment: "default", count: 1 }],
    });
    await vi.waitFor(() => expect(platform.launched).toHaveLength(1));
    await leadership?.release();
  });

  it("reaps, and stops doing so once it is closed", async () => {
    const fixture = await setup();
    const jobs = heard(fixture, "job");
    const controller = control(fixture);
    const submitAndLose = async (): Promise<string> => {
      const job = newJob(fixture);
      await fixture.store.jobs.submit(job);
      const workerId = await addWorker(fixture);
      await claimOne(fixture, workerId, 3_600_000);
      await fixture.store.workers.markGone(workerId);
      return job.id;
    };
    const lost = await submitAndLose();
    await vi.waitFor(() => expect(jobs).toContain(lost), 5_000);
    await controller.close();
    const reap = vi.spyOn(fixture.store.control, "reapExpiredLeases");
    await submitAndLose();
    expect(reap).not.toHaveBeenCalled();
  });
});
