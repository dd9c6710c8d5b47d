import { randomUUID } from "node:crypto";

import { describe, expect, it, onTestFinished, vi } from "vitest";

import type { InstanceStatus, KnownInstance, LaunchSpec, Platform } from "./platform.ts";

/**
 * What a cloud does wrong. `lost_reply`: it did it and the answer is lost. `throttled`: 429 with
 * `Retry-After: 2`. `capacity`: none of these GPUs is free. The others are refusals.
 */
export type CloudFault = "lost_reply" | "throttled" | "capacity" | "quota" | "refused";

/** The far side of a platform, seen by the test and not by the adapter. */
export interface CloudStage {
  failNext(fault: CloudFault, times?: number): void;
  /** The tokens of all instances that run or wait, known to anybody or not. */
  population(): readonly string[];
  runningCount(): number;
  requestCount(): number;
  /** What a throttled caller is told to wait; 0 where the cloud does not say. */
  readonly retryAfterMs: number;
  /** How long the adapter has waited of its own will, in order. */
  readonly waitsMs: readonly number[];
  /** What happens to a worker whose record was given up: the gateway sends it away. */
  sendAway(clientToken: string): Promise<void>;
  /** Changes settings as the platform does behind our back; absent where it does not. */
  drift?(): void;
  isDrifted?(): boolean;
}

export interface PlatformFixture {
  readonly platform: Platform;
  /** The same place seen by a control plane that was started anew. */
  readonly reopen: () => Promise<Platform>;
  /** Moves the platform's clock on. */
  readonly advance: (ms: number) => void;
  /** Ends an instance behind the platform's back. */
  readonly crash: (externalId: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface CloudFixture extends PlatformFixture {
  readonly cloud: CloudStage;
}

export function launchSpec(change: Partial<LaunchSpec> = {}): LaunchSpec {
  return {
    clientToken: randomUUID(),
    deployment: "default",
    gatewayUrl: "http://127.0.0.1:9",
    enrollmentToken: `hw_${randomUUID()}`,
    workerName: "w-1",
    ...change,
  };
}

/** What a control plane would have written down. */
class Records {
  private readonly byToken = new Map<string, KnownInstance>();

  get known(): readonly KnownInstance[] {
    return [...this.byToken.values()];
  }

  async launch(platform: Platform, spec: LaunchSpec): Promise<string> {
    const { clientToken } = spec;
    const { externalId } = await platform.launch(spec);
    this.byToken.set(clientToken, { clientToken, externalId });
    return externalId;
  }

  list(platform: Platform): Promise<readonly InstanceStatus[]> {
    return platform.list(this.known);
  }

  async find(platform: Platform, id: string): Promise<InstanceStatus | undefined> {
    return (await this.list(platform)).find((status) => status.externalId === id);
  }

  untilGone(platform: Platform, id: string): Promise<void> {
    return vi.waitFor(async () => expect(await this.find(platform, id)).toBeUndefined(), 10_000);
  }
}

async function opened<F extends PlatformFixture>(open: () => Promise<F>): Promise<F> {
  const fixture = await open();
  onTestFinished(() => fixture.close());
  return fixture;
}

/** The contract of every platform; call it inside a `describe`. */
export function describePlatform(open: () => Promise<PlatformFixture>): void {
  const setup = async (): Promise<PlatformFixture & { records: Records }> => {
    return { ...(await opened(open)), records: new Records() };
  };

  it("lists what it launched, with the token of the launch", async () => {
    const { platform, records } = await setup();
    const spec = launchSpec();
    const externalId = await records.launch(platform, spec);
    expect(await records.list(platform)).toMatchObject([
      { externalId, clientToken: spec.clientToken, state: "running" },
    ]);
  });

  it("launches one instance for a token that is sent twice, also at the same time", async () => {
    const { platform, records } = await setup();
    const spec = launchSpec();
    const replies = await Promise.all([
      records.launch(platform, spec),
      records.launch(platform, spec),
    ]);
    const again = await records.launch(platform, spec);
    expect(new Set([...replies, again]).size).toBe(1);
    expect(await records.list(platform)).toHaveLength(1);
  });

  it("finds instances again that an earlier control plane launched", async () => {
    const { platform, reopen, records } = await setup();
    const spec = launchSpec();
    const externalId = await records.launch(platform, spec);
    const reopened = await reopen();
    expect(await records.find(reopened, externalId)).toMatchObject({ state: "running" });
    if (!platform.capabilities.listsStrangers.supported) return;
    await reopened.launch(spec);
    expect(await records.list(reopened)).toHaveLength(1);
  });

  it("lets an instance leave and then no longer lists it", async () => {
    const { platform, records } = await setup();
    const externalId = await records.launch(platform, launchSpec());
    await platform.terminate(externalId);
    await records.untilGone(platform, externalId);
  });

  it("ends an instance by force that does not leave in its grace period", async () => {
    const { platform, records, advance } = await setup();
    const spec = launchSpec({ workerName: "stubborn" });
    const externalId = await records.launch(platform, spec);
    await platform.terminate(externalId);
    if (!platform.capabilities.asksToLeave.supported) {
      return records.untilGone(platform, externalId);
    }
    expect(await records.find(platform, externalId)).toMatchObject({ state: "terminating" });
    await platform.terminate(externalId);
    expect(await records.find(platform, externalId)).toBeDefined();
    advance(60_000);
    await platform.terminate(externalId);
    await records.untilGone(platform, externalId);
  });

  it("takes the end of an unknown or gone instance for done", async () => {
    const { platform } = await setup();
    await expect(platform.terminate(randomUUID())).resolves.toBeUndefined();
  });

  it("does not list an instance that crashed", async () => {
    const { platform, records, crash } = await setup();
    const externalId = await records.launch(platform, launchSpec());
    await crash(externalId);
    await records.untilGone(platform, externalId);
  });

  it("gives a reason for every ability that it lacks", async () => {
    const { platform } = await setup();
    for (const capability of Object.values(platform.capabilities)) {
      if (!capability.supported) expect(capability.reason).toMatch(/^[A-Z].*\.$/u);
    }
  });
}

/** At most this many requests for one operation, whatever the cloud does. */
const requestBound = 10;

/** The contract of platforms that are reached over a network, besides that of all platforms. */
export function describeCloud(open: () => Promise<CloudFixture>): void {
  describePlatform(open);

  describe("when the cloud misbehaves", () => {
    const setup = async (): Promise<CloudFixture & { records: Records }> => {
      return { ...(await opened(open)), records: new Records() };
    };
    const codeOf = async (launch: Promise<unknown>): Promise<string> => {
      const thrown: unknown = await launch.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      return thrown instanceof Error && "code" in thrown ? String(thrown.code) : "launched";
    };

    it("has one instance for a token that is sent twice, also at the same time", async () => {
      const { platform, cloud } = await setup();
      const spec = launchSpec();
      await Promise.all([platform.launch(spec), platform.launch(spec)]);
      await platform.launch(spec);
      expect(cloud.population()).toEqual([spec.clientToken]);
    });

    it("has one instance when the answer to its launch is lost, and finds or ends it", async () => {
      const { platform, cloud, records } = await setup();
      cloud.failNext("lost_reply");
      const spec = launchSpec();
      const code = await codeOf(records.launch(platform, spec));
      expect(["launched", "service_unavailable"]).toContain(code);
      expect(cloud.population()).toEqual([spec.clientToken]);
      if (platform.capabilities.listsStrangers.supported) {
        const known = [{ clientToken: spec.clientToken, externalId: null }];
        const [status] = await platform.list(known);
        expect(status).toMatchObject({ clientToken: spec.clientToken });
        await platform.terminate(status!.externalId);
      } else {
        await cloud.sendAway(spec.clientToken);
      }
      await vi.waitFor(() => expect(cloud.population()).toEqual([]), 10_000);
    });

    it("waits as long as it is told to, and no longer than a few tries", async () => {
      const { platform, cloud, records } = await setup();
      cloud.failNext("throttled", 2);
      await records.launch(platform, launchSpec());
      expect(cloud.waitsMs).toHaveLength(2);
      for (const waitMs of cloud.waitsMs) expect(waitMs).toBeGreaterThanOrEqual(cloud.retryAfterMs);
      expect(Math.min(...cloud.waitsMs)).toBeGreaterThan(0);
      const before = cloud.requestCount();
      cloud.failNext("throttled", 100);
      expect(await codeOf(platform.launch(launchSpec()))).toBe("service_unavailable");
      expect(cloud.requestCount() - before).toBeLessThanOrEqual(requestBound);
      expect(cloud.population()).toHaveLength(1);
    });

    it("says when no GPU is free, or waits for one without having it", async () => {
      const { platform, cloud, records } = await setup();
      const before = cloud.requestCount();
      cloud.failNext("capacity");
      const code = await codeOf(records.launch(platform, launchSpec()));
      expect(cloud.runningCount()).toBe(0);
      expect(cloud.requestCount() - before).toBeLessThanOrEqual(requestBound);
      if (code === "launched") {
        const state = platform.capabilities.tellsPending.supported ? "pending" : "running";
        expect(await records.list(platform)).toMatchObject([{ state }]);
        await platform.terminate(records.known[0]!.externalId!);
        await vi.waitFor(() => expect(cloud.population()).toEqual([]), 10_000);
      } else {
        expect(code).toBe("platform_capacity");
        expect(cloud.population()).toEqual([]);
      }
    });

    it.each([
      ["quota", "platform_quota"],
      ["refused", "platform_refused"],
    ] as const)("takes a refusal for final (%s)", async (fault, expected) => {
      const { platform, cloud } = await setup();
      const before = cloud.requestCount();
      cloud.failNext(fault);
      expect(await codeOf(platform.launch(launchSpec()))).toBe(expected);
      expect(cloud.requestCount() - before).toBeLessThanOrEqual(requestBound);
      expect(cloud.population()).toEqual([]);
    });

    it("never tells the enrolment token in what it throws", async () => {
      const { platform, cloud } = await setup();
      const spec = launchSpec();
      for (const fault of ["refused", "quota"] as const) {
        cloud.failNext(fault);
        const thrown: unknown = await platform.launch(spec).catch((reason: unknown) => reason);
        expect(String(thrown)).not.toContain(spec.enrollmentToken);
      }
    });

    it("lists all instances however many pages they fill", async () => {
      const { platform, records, cloud } = await setup();
      const names = Array.from({ length: 7 }, (_, index) => `w-${index}`);
      for (const workerName of names) await records.launch(platform, launchSpec({ workerName }));
      const before = cloud.requestCount();
      expect(await records.list(platform)).toHaveLength(names.length);
      expect(cloud.requestCount() - before).toBeLessThanOrEqual(requestBound + names.length);
    });

    it("ends an instance that nobody has on record, or lets it be sent away", async () => {
      const { platform, reopen, cloud, records } = await setup();
      const spec = launchSpec();
      await records.launch(platform, spec);
      const stranger = await reopen();
      const found = await stranger.list([]);
      if (stranger.capabilities.listsStrangers.supported) {
        expect(found).toHaveLength(1);
        for (const { externalId } of found) await stranger.terminate(externalId);
      } else {
        expect(found).toEqual([]);
        await cloud.sendAway(spec.clientToken);
      }
      await vi.waitFor(() => expect(cloud.population()).toEqual([]), 10_000);
    });

    it("puts back once what was changed behind its back", async () => {
      const { platform, cloud } = await setup();
      if (cloud.drift === undefined || platform.correctDrift === undefined) return;
      expect(await platform.correctDrift()).toEqual([]);
      cloud.drift();
      expect(cloud.isDrifted?.()).toBe(true);
      expect(await platform.correctDrift()).toHaveLength(1);
      expect(cloud.isDrifted?.()).toBe(false);
      expect(await platform.correctDrift()).toEqual([]);
    });
  });
}
