import { expect, it } from "vitest";

import { deploymentMark, type FoundResource } from "../deploy/plan/resource.ts";
import type { Deployer } from "../platforms/deployer.ts";
import { removeRollout } from "./rollout.ts";

const endpoint: FoundResource = {
  kind: "endpoint",
  name: "portraits",
  id: "e1",
  deployment: "portraits",
  fields: { tags: { [deploymentMark]: "portraits" } },
};

/** One endpoint on which so many workers run at each look. */
function endpointWith(running: readonly number[]): { deployer: Deployer; calls: string[] } {
  const calls: string[] = [];
  let there = true;
  let looks = 0;
  const deployer: Deployer = {
    read: async () => (there ? [endpoint] : []),
    create: async () => undefined,
    update: async () => undefined,
    drain: async () => void calls.push("drain"),
    running: async () => {
      const count = running[looks++] ?? 0;
      calls.push(`${count} run`);
      return count;
    },
    remove: async () => {
      calls.push("remove");
      there = false;
    },
  };
  return { deployer, calls };
}

it("removes a deployment once what runs has finished, and lets nothing new start before", async () => {
  const { deployer, calls } = endpointWith([2, 1, 0]);
  const waits: number[] = [];
  const sleep = async (ms: number): Promise<void> => void waits.push(ms);
  const patience = { maxLooks: 5, waitMs: 10, sleep };
  expect(await removeRollout(deployer, "portraits", patience, () => undefined)).toBe(1);
  expect(calls).toEqual(["drain", "2 run", "1 run", "0 run", "remove"]);
  expect(waits).toEqual([10, 10]);
});

it("removes nothing while something runs, however long it was waited for", async () => {
  const { deployer, calls } = endpointWith([1, 1, 1]);
  const patience = { maxLooks: 3, waitMs: 10, sleep: async () => undefined };
  const removing = removeRollout(deployer, "portraits", patience, () => undefined);
  await expect(removing).rejects.toMatchObject({
    code: "service_unavailable",
    message: "1 worker(s) still run; nothing has been removed.",
  });
  expect(calls).not.toContain("remove");
});
