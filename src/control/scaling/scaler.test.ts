import { createHash, randomBytes, randomUUID } from "node:crypto";

import { describe, expect, it, onTestFinished } from "vitest";

import { postgresServers } from "../../../test/database.ts";
import { claimOne, newJob, openTestStore, type TestStore } from "../../../test/store.ts";
import type { ScaleDecision } from "../../autoscaler/decision.ts";
import type { ScaleSnapshot } from "../../autoscaler/snapshot.ts";
import { uuidV7 } from "../../kernel/id.ts";
import { createLogger } from "../../observability/logger.ts";
import { HearthScaler } from "../../simulator/elastic/hearth.ts";
import { defaultSite } from "../../simulator/elastic/run.ts";
import { ScriptedPlatform } from "../scripted-platform.suite.ts";
import { Scaler } from "./scaler.ts";

const [server] = postgresServers();

interface Fixture extends TestStore {
  readonly platform: ScriptedPlatform;
  newScaler(): Scaler;
  submit(count: number): Promise<void>;
  /** Lets the worker of an instance enrol and be ready. */
  arrive(instanceId: string): Promise<string>;
  /** Moves everything that was recorded into the past. */
  age(seconds: number): Promise<void>;
}

function mintToken(): { token: string; tokenHash: Uint8Array } {
  const token = randomUUID();
  return { token, tokenHash: createHash("sha256").update(token).digest() };
}

async function setup(settings: object = { maxWorkers: 3 }): Promise<Fixture> {
  const fixture = await openTestStore(server?.url ?? "");
  onTestFinished(() => fixture.close());
  const { store, deploymentId } = fixture;
  await store.scaling.set(deploymentId, {
    pricesMicroUsdPerHour: { cloud: 1_100_000 },
    ...settings,
  });
  const platform = new ScriptedPlatform("cloud");
  const newScaler = (): Scaler =>
    new Scaler({
      store,
      platforms: [platform],
      gatewayUrl: "http://127.0.0.1:9",
      logger: createLogger({ level: "silent" }),
      clock: { now: () => Date.now() },
      newId: () => uuidV7(Date.now(), randomBytes(10)),
      mintToken,
      priceMicroUsdPerHour: () => 0,
    });
  return {
    ...fixture,
    platform,
    newScaler,
    submit: async (count) => {
      for (let index = 0; index < count; index++) await store.jobs.submit(newJob(fixture));
    },
    arrive: async (instanceId) => {
      const spec = platform.launched.find(({ clientToken }) => clientToken === instanceId);
      const hash = createHash("sha256")
        .update(spec?.enrollmentToken ?? "")
        .digest();
      const id = randomUUID();
      const worker = { id, name: "w", tokenHash: createHash("sha256").update(id).digest() };
      await store.workers.enroll(hash, worker);
      const ready = { comfyuiVersion: "0.33.0", kind: "engine", devices: [], nodes: {} } as const;
      await store.workers.markReady(id, { ...ready, isWarm: false });
      return id;
    },
    age: async (seconds) => {
      const back = `- make_interval(secs => ${seconds})`;
      await fixture.query(`update instance set created_at = created_at ${back},
        gone_at = gone_at ${back}`);
      await fixture.query(`update attempt set claimed_at = claimed_at ${back},
        ended_at = ended_at ${back}`);
    },
  };
}

async function storedDecisions(
  fixture: TestStore,
): Promise<readonly { snapshot: ScaleSnapshot; decision: ScaleDecision }[]> {
  const stored = await fixture.store.scaling.decisions(fixture.deploymentId, 500);
  return stored as unknown as readonly { snapshot: ScaleSnapshot; decision: ScaleDecision }[];
}

/** The simulator's policy call, on a snapshot from elsewhere. */
class Replay extends HearthScaler {
  replay(snapshot: ScaleSnapshot): ScaleDecision {
    return this.decideOn(snapshot);
  }
}

describe("the scale loop", () => {
  it("launches for what waits, once, and stores why before it does", async () => {
    const fixture = await setup();
    const scaler = fixture.newScaler();
    await fixture.submit(1);
    await scaler.pass();
    await scaler.pass();
    expect(fixture.platform.launched).toHaveLength(1);
    const [decision] = (await storedDecisions(fixture)).toReversed();
    expect(decision?.decision.commands).toMatchObject([{ action: "launch", count: 1 }]);
    expect(decision?.decision.because).toMatchObject([{ rule: "backlog", workers: 1 }]);
  });

  it("leaves deployments alone that are not scaled, or not here", async () => {
    const elsewhere = await setup({ maxWorkers: 3, platforms: ["other"] });
    await elsewhere.submit(1);
    await elsewhere.newScaler().pass();
    await elsewhere.store.scaling.set(elsewhere.deploymentId, null);
    await elsewhere.newScaler().pass();
    expect(elsewhere.platform.launched).toEqual([]);
  });

  it("does not double a launch when two controllers believe to lead", async () => {
    const fixture = await setup({ maxWorkers: 10 });
    await fixture.submit(3);
    await Promise.all([fixture.newScaler(), fixture.newScaler()].map((scaler) => scaler.pass()));
    const rows = await fixture.query("select 1 from instance");
    expect(rows.rowCount).toBe(fixture.platform.launched.length);
    expect(fixture.platform.launched.length).toBeLessThanOrEqual(3);
    await fixture.newScaler().pass();
    expect(fixture.platform.launched).toHaveLength(3);
  });

  it("goes on where a killed leader stopped between the record and the launch", async () => {
    const fixture = await setup();
    await fixture.submit(1);
    const { store, deploymentId } = fixture;
    await store.scaling.createInstance({ id: randomUUID(), deploymentId, platform: "cloud" }, 0);
    await fixture.newScaler().pass();
    expect(fixture.platform.launched).toEqual([]);
  });

  it("lets an idle worker go only past its keep-alive, and lets it finish", async () => {
    const fixture = await setup({ maxWorkers: 3, policy: { coldStartMicroUsd: 0 } });
    const scaler = fixture.newScaler();
    await fixture.submit(1);
    await scaler.pass();
    const workerId = await fixture.arrive(fixture.platform.launched[0]!.clientToken);
    const claim = await claimOne(fixture, workerId);
    await scaler.pass();
    const attempt = { jobId: claim.jobId, epoch: claim.epoch, workerId };
    await fixture.store.attempts.complete(attempt, [], { log: null, timings: {} });
    await scaler.pass();
    expect(await fixture.store.workers.touch([workerId])).toEqual([]);
    await fixture.age(600);
    await fixture.newScaler().pass();
    expect(await fixture.store.workers.touch([workerId])).toEqual([workerId]);
    expect(fixture.platform.terminated).toEqual([]);
    const [last] = await storedDecisions(fixture);
    expect(last?.decision.commands[0]?.reason).toMatch(/^idle for 6\d\d s; after 3\d s/u);
  });

  it("waits ever longer after launches that fail, and gives up for an hour after twenty", async () => {
    const fixture = await setup();
    fixture.platform.answer = "refused";
    await fixture.submit(1);
    await fixture.newScaler().pass();
    await fixture.newScaler().pass();
    expect(fixture.platform.launched).toHaveLength(1);
    await fixture.age(2);
    await fixture.newScaler().pass();
    expect(fixture.platform.launched).toHaveLength(2);
    await fixture.age(1);
    await fixture.newScaler().pass();
    expect(fixture.platform.launched).toHaveLength(2);
    for (let round = 0; round < 25; round++) {
      await fixture.age(120);
      await fixture.newScaler().pass();
    }
    expect(fixture.platform.launched.length).toBeLessThanOrEqual(20);
  });

  it("keeps what it learned for the next leader", async () => {
    const fixture = await setup();
    const scaler = fixture.newScaler();
    await fixture.submit(1);
    await scaler.pass();
    const [record] = await fixture.store.scaling.list();
    expect(record?.memory).toMatchObject({ runMs: null, minutes: [] });
  });

  it("has stored decisions that the simulator comes to as well", async () => {
    const fixture = await setup({ maxWorkers: 2 });
    const scaler = fixture.newScaler();
    await fixture.submit(5);
    await scaler.pass();
    await fixture.arrive(fixture.platform.launched[0]!.clientToken);
    await scaler.pass();
    const stored = await storedDecisions(fixture);
    expect(stored.length).toBeGreaterThanOrEqual(2);
    const simulated = new Replay({ maxWorkers: 2 }, defaultSite);
    for (const { snapshot, decision } of stored) {
      expect(simulated.replay(snapshot)).toEqual(decision);
    }
  });
});
