import type { CallPatience } from "../../src/platforms/calls.ts";
import type { CloudFixture, CloudStage } from "../../src/platforms/platform.suite.ts";
import type { Platform } from "../../src/platforms/platform.ts";
import type { Faults } from "./faults.ts";
import { scriptedBody, type Machines, type MachinesOptions } from "./machines.ts";

export interface CloudSetting {
  readonly now: () => number;
  readonly startBody: MachinesOptions["startBody"];
  /** Items of one page of a list. */
  readonly pageSize: number;
}

/** One provider of the fake cloud: it speaks its vendor's wire format over loopback. */
export interface FakeCloud {
  readonly machines: Machines;
  readonly faults: Faults;
  readonly requestCount: number;
  /** What a throttled caller is told to wait; default 2,000. */
  readonly retryAfterMs?: number;
  /** The adapter, set up to speak to this cloud through the vendor's own SDK. */
  connect(patience: CallPatience): Promise<Platform>;
  drift?(): void;
  isDrifted?(): boolean;
  close(): Promise<void>;
}

export type OpenCloud = (setting: CloudSetting) => Promise<FakeCloud>;

const pageSize = 3;

/** The fixture of the port's suite: a cloud with scripted machines and a clock by hand. */
export async function cloudFixture(open: OpenCloud): Promise<CloudFixture> {
  let nowMs = 1_800_000_000_000;
  const waitsMs: number[] = [];
  const cloud = await open({ now: () => nowMs, startBody: scriptedBody, pageSize });
  const patience: CallPatience = {
    clock: { now: () => nowMs },
    random: () => 0.5,
    sleep: async (ms) => {
      waitsMs.push(ms);
      nowMs += ms;
    },
  };
  const { machines, faults } = cloud;
  const stage: CloudStage = {
    failNext: (fault, times) => faults.failNext(fault, times),
    population: () => machines.living().map(({ labels }) => labels["token"] ?? ""),
    runningCount: () => machines.living().filter(({ state }) => state !== "pending").length,
    requestCount: () => cloud.requestCount,
    retryAfterMs: cloud.retryAfterMs ?? 2_000,
    waitsMs,
    sendAway: async (clientToken) => {
      for (const { id, labels } of machines.living()) {
        if (labels["token"] === clientToken) machines.kill(id);
      }
    },
    ...(cloud.drift !== undefined && { drift: () => cloud.drift?.() }),
    ...(cloud.isDrifted !== undefined && { isDrifted: () => cloud.isDrifted?.() ?? false }),
  };
  const opened: Platform[] = [];
  const connect = async (): Promise<Platform> => {
    const platform = await cloud.connect(patience);
    opened.push(platform);
    return platform;
  };
  return {
    platform: await connect(),
    cloud: stage,
    reopen: connect,
    advance: (ms) => {
      nowMs += ms;
    },
    crash: async (externalId) => machines.kill(externalId),
    close: async () => {
      for (const platform of opened) platform.close?.();
      await cloud.close();
    },
  };
}
