import { randomUUID } from "node:crypto";

import { expect, it, onTestFinished, vi } from "vitest";

import type { InstanceStatus, LaunchSpec, Platform } from "./platform.ts";

export interface PlatformFixture {
  readonly platform: Platform;
  /** The same place seen by a control plane that was started anew. */
  reopen(): Promise<Platform>;
  /** Moves the platform's clock on. */
  advance(ms: number): void;
  /** Ends an instance behind the platform's back. */
  crash(externalId: string): Promise<void>;
  close(): Promise<void>;
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

/** The contract of every platform; call it inside a `describe`. */
export function describePlatform(open: () => Promise<PlatformFixture>): void {
  const setup = async (): Promise<PlatformFixture> => {
    const fixture = await open();
    onTestFinished(() => fixture.close());
    return fixture;
  };
  const find = async (platform: Platform, id: string): Promise<InstanceStatus | undefined> =>
    (await platform.list()).find((status) => status.externalId === id);
  const untilGone = (platform: Platform, id: string): Promise<void> =>
    vi.waitFor(async () => expect(await find(platform, id)).toBeUndefined(), 10_000);

  it("lists what it launched, with the token of the launch", async () => {
    const { platform } = await setup();
    const spec = launchSpec();
    const { externalId } = await platform.launch(spec);
    expect(await platform.list()).toEqual([
      { externalId, clientToken: spec.clientToken, state: "running" },
    ]);
  });

  it("launches one instance for a token that is sent twice, also at the same time", async () => {
    const { platform } = await setup();
    const spec = launchSpec();
    const replies = await Promise.all([platform.launch(spec), platform.launch(spec)]);
    const again = await platform.launch(spec);
    expect(new Set([...replies, again].map((reply) => reply.externalId)).size).toBe(1);
    expect(await platform.list()).toHaveLength(1);
  });

  it("finds instances again that an earlier control plane launched, and launches none twice", async () => {
    const fixture = await setup();
    const spec = launchSpec();
    const { externalId } = await fixture.platform.launch(spec);
    const reopened = await fixture.reopen();
    expect(await find(reopened, externalId)).toMatchObject({ state: "running" });
    await reopened.launch(spec);
    expect(await reopened.list()).toHaveLength(1);
  });

  it("lets an instance leave and then no longer lists it", async () => {
    const { platform } = await setup();
    const { externalId } = await platform.launch(launchSpec());
    await platform.terminate(externalId);
    await untilGone(platform, externalId);
  });

  it("ends an instance by force that does not leave in its grace period", async () => {
    const fixture = await setup();
    const { platform } = fixture;
    const { externalId } = await platform.launch(launchSpec({ workerName: "stubborn" }));
    await platform.terminate(externalId);
    expect(await find(platform, externalId)).toMatchObject({ state: "terminating" });
    await platform.terminate(externalId);
    expect(await find(platform, externalId)).toBeDefined();
    fixture.advance(60_000);
    await platform.terminate(externalId);
    await untilGone(platform, externalId);
  });

  it("takes the end of an unknown or gone instance for done", async () => {
    const { platform } = await setup();
    await expect(platform.terminate(randomUUID())).resolves.toBeUndefined();
  });

  it("does not list an instance that crashed", async () => {
    const fixture = await setup();
    const { externalId } = await fixture.platform.launch(launchSpec());
    await fixture.crash(externalId);
    await untilGone(fixture.platform, externalId);
  });

  it("gives a reason for every ability that it lacks", async () => {
    const { platform } = await setup();
    for (const capability of Object.values(platform.capabilities)) {
      if (!capability.supported) expect(capability.reason).toMatch(/^[A-Z].*\.$/u);
    }
  });
}
