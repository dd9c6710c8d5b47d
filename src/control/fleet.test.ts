import { describe, expect, it } from "vitest";

import type { InstanceStatus } from "../platforms/platform.ts";
import type { InstanceRecord } from "../store/control.ts";
import {
  decideFleet,
  nextLaunchAtMs,
  type DesiredPool,
  type FleetCommand,
  type FleetSnapshot,
} from "./fleet.ts";

const nowMs = 1_000_000;

function row(id: string, change: Partial<InstanceRecord> = {}): InstanceRecord {
  return {
    id,
    deploymentId: 1,
    platform: "p",
    externalId: `x-${id}`,
    state: "running",
    createdAt: new Date(nowMs - 300_000),
    hardware: null,
    ...change,
  };
}

function status(id: string, change: Partial<InstanceStatus> = {}): InstanceStatus {
  return { externalId: `x-${id}`, clientToken: id, state: "running", ...change };
}

function pool(count: number): DesiredPool {
  return { platform: "p", deploymentId: 1, deployment: "default", count };
}

function decide(change: Partial<FleetSnapshot>): readonly FleetCommand[] {
  return decideFleet({
    nowMs,
    rows: [],
    statuses: [],
    launchGraceMs: 60_000,
    silentIds: new Set(),
    desired: [],
    history: new Map(),
    ...change,
  });
}

const brief = (commands: readonly FleetCommand[]): readonly string[] =>
  commands.map((command) =>
    command.action === "launch" ? "launch" : `${command.action} ${command.instanceId ?? "stray"}`,
  );

describe("keeping a fleet as it is wanted", () => {
  it("leaves a fleet alone that is as it should be", () => {
    expect(decide({ rows: [row("a")], statuses: [status("a")], desired: [pool(1)] })).toEqual([]);
  });

  it("launches what is lacking and counts what is being launched", () => {
    const rows = [
      row("a"),
      row("b", { state: "launching", externalId: null, createdAt: new Date(nowMs) }),
    ];
    const commands = decide({ rows, statuses: [status("a")], desired: [pool(4)] });
    expect(brief(commands)).toEqual(["launch", "launch"]);
    expect(commands[0]?.reason).toBe("2 of 4 are there");
  });

  it("confirms a launch whose reply was lost", () => {
    const rows = [row("a", { state: "launching", externalId: null })];
    const commands = decide({ rows, statuses: [status("a")], desired: [pool(1)] });
    expect(commands).toMatchObject([{ action: "confirm", instanceId: "a", externalId: "x-a" }]);
  });

  it("gives a launch sixty seconds before it retires the row and launches again", () => {
    const at = (ageMs: number): readonly FleetCommand[] => {
      const createdAt = new Date(nowMs - ageMs);
      const rows = [row("a", { state: "launching", externalId: null, createdAt })];
      return decide({ rows, desired: [pool(1)] });
    };
    expect(at(59_000)).toEqual([]);
    expect(brief(at(60_000))).toEqual(["retire a", "launch"]);
    expect(at(60_000)[0]).toMatchObject({ isShortLife: true });
  });

  it("retires what the platform no longer lists and replaces it", () => {
    expect(brief(decide({ rows: [row("a")], desired: [pool(1)] }))).toEqual(["retire a", "launch"]);
  });

  it("terminates what no record names", () => {
    expect(decide({ statuses: [status("zombie")] })).toMatchObject([
      { action: "terminate", instanceId: null, externalId: "x-zombie" },
    ]);
  });

  it("replaces silent and obsolete instances", () => {
    const commands = decide({
      rows: [row("silent"), row("old")],
      statuses: [status("silent"), status("old", { state: "obsolete" })],
      silentIds: new Set(["silent"]),
      desired: [pool(2)],
    });
    expect(brief(commands)).toEqual(["terminate silent", "terminate old", "launch", "launch"]);
  });

  it("goes on asking an instance to leave until it has left, and does not call that a short life", () => {
    const leaving = row("a", { state: "terminating", createdAt: new Date(nowMs - 5_000) });
    expect(brief(decide({ rows: [leaving], statuses: [status("a")] }))).toEqual(["terminate a"]);
    expect(decide({ rows: [leaving] })).toMatchObject([{ action: "retire", isShortLife: false }]);
  });

  it("asks the youngest to leave when there are too many", () => {
    const rows = [row("old"), row("young", { createdAt: new Date(nowMs - 1) })];
    const commands = decide({
      rows,
      statuses: [status("old"), status("young")],
      desired: [pool(1)],
    });
    expect(brief(commands)).toEqual(["terminate young"]);
  });

  it("empties a pool of which none is wanted, but not a pool that nobody speaks of", () => {
    const fleet = { rows: [row("a")], statuses: [status("a")] };
    expect(brief(decide({ ...fleet, desired: [pool(0)] }))).toEqual(["terminate a"]);
    expect(decide(fleet)).toEqual([]);
  });

  it("drains before it ends where a platform would not ask, until nobody is left or for a time", () => {
    const fleet = { rows: [row("a")], statuses: [status("a")], desired: [pool(0)] };
    const drains = (mannedIds: readonly string[], sinceMs = nowMs): Partial<FleetSnapshot> => ({
      drains: { mannedIds: new Set(mannedIds), sinceMs: new Map([["a", sinceMs]]) },
    });
    expect(brief(decide({ ...fleet, ...drains(["a"]) }))).toEqual(["drain a"]);
    expect(brief(decide({ ...fleet, ...drains([]) }))).toEqual(["terminate a"]);
    expect(brief(decide({ ...fleet, ...drains(["a"], nowMs - 900_000) }))).toEqual(["terminate a"]);
    const silent = { silentIds: new Set(["a"]) };
    expect(brief(decide({ ...fleet, ...drains(["a"]), ...silent }))).toEqual(["terminate a"]);
  });

  it("is patient with an instance that waits for capacity, and gives it up in the end", () => {
    const pending = { statuses: [status("a", { state: "pending" })] };
    const launching = { state: "launching" as const };
    expect(decide({ ...pending, rows: [row("a", launching)] })).toEqual([]);
    const old = row("a", { ...launching, createdAt: new Date(nowMs - 840_000) });
    expect(brief(decide({ ...pending, rows: [old] }))).toEqual(["terminate a"]);
  });

  it("waits ever longer, up to a minute, before it launches what does not last", () => {
    const waits = [0, 1, 2, 3, 7, 50].map((shortLives) =>
      nextLaunchAtMs({ shortLives, lastLaunchAtMs: 1_000 }),
    );
    expect(waits).toEqual([0, 2_000, 3_000, 5_000, 61_000, 61_000]);
    const history = new Map([[1, { shortLives: 3, lastLaunchAtMs: nowMs - 3_000 }]]);
    expect(decide({ desired: [pool(1)], history })).toEqual([]);
  });
});
