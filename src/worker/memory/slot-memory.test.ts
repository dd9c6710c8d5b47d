import { describe, expect, it } from "vitest";

import { createLogger } from "../../observability/logger.ts";
import type { Assignment } from "../../protocol/worker-link.ts";
import { CardKeeper } from "./card-keeper.ts";
import { SlotMemory, type SlotComfy } from "./slot-memory.ts";

const gib = 1024 ** 3;
const never = new AbortController().signal;

function slotOn(cardBytes: number): SlotMemory {
  const keeper = new CardKeeper({
    logger: createLogger({ level: "silent" }),
    slots: ["0"],
    readDriver: () => Promise.resolve(undefined),
  });
  const memory = new SlotMemory(keeper, "0");
  const devices = [
    { name: "card", kind: "cuda", vramTotalBytes: cardBytes, vramFreeBytes: cardBytes },
  ];
  const comfy: SlotComfy = { devices, current: undefined, recycle: () => false };
  memory.join(comfy, never, () => undefined);
  keeper.join("0", {
    measure: () =>
      Promise.resolve({
        totalBytes: cardBytes,
        freeBytes: cardBytes,
        reservedBytes: 0,
        slackBytes: 0,
      }),
    free: () => Promise.resolve(),
    restart: () => false,
    groupId: () => undefined,
  });
  return memory;
}

function assignment(change: Partial<Assignment> = {}): Assignment {
  return {
    jobId: crypto.randomUUID(),
    epoch: 1,
    attemptId: crypto.randomUUID(),
    workflow: { "1": { class_type: "EmptyImage", inputs: {} } },
    extraData: {},
    inputs: [],
    timeoutMs: 1_000,
    ...change,
  };
}

const nowhere = { modelsDirectory: undefined };

describe("a slot's side of its card", () => {
  it("runs nothing that ran out of memory on a card as large, should the larger one have left", async () => {
    const job = assignment({ ranOutBytes: 16 * gib });
    await expect(slotOn(16 * gib).admit(nowhere, job, never)).rejects.toMatchObject({
      failure: {
        failureClass: "out_of_memory",
        error: {
          message: "It ran out of memory on 16.0 GiB, and no card of the deployment has more.",
        },
      },
    });
    const lease = await slotOn(24 * gib).admit(nowhere, job, never);
    expect(lease.availableBytes).toBe(23.5 * gib);
  });
  it("reckons with what runs of its kind have taken", async () => {
    const lease = await slotOn(24 * gib).admit(nowhere, assignment({ peakBytes: 9 * gib }), never);
    expect(lease.reckonedBytes).toBe(9 * gib);
    lease.release();
  });
  it("says in numbers why a job does not fit", async () => {
    const job = assignment({ peakBytes: 30 * gib });
    await expect(slotOn(24 * gib).admit(nowhere, job, never)).rejects.toMatchObject({
      failure: {
        error: {
          message:
            "The job does not fit on this worker's card: 30.0 GiB needed, 23.5 GiB usable; no card of the deployment has more.",
        },
      },
    });
  });
});
