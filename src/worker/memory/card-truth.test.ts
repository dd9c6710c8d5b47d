import { describe, expect, it } from "vitest";

import { measuredCard, type TruthSources } from "./card-truth.ts";
import { deviceMemoryOf } from "./device-memory.ts";

const device = { totalBytes: 100, freeBytes: 60, reservedBytes: 30, slackBytes: 10 };

function sources(change: Partial<TruthSources> = {}): TruthSources {
  return {
    slots: [{ slot: "a", device, groupId: 7 }],
    driver: undefined,
    groupOf: (pid) => (pid === 70 ? 7 : undefined),
    visibleDevices: undefined,
    ...change,
  };
}

describe("what is in use on a card", () => {
  it("is what ComfyUI says, less its own slack, which it counts as free", () => {
    expect(measuredCard(sources())).toEqual({
      truth: {
        totalBytes: 100,
        usedBytes: 50,
        slots: [{ slot: "a", heldBytes: null, slackBytes: 10 }],
      },
      source: "system_stats",
    });
  });
  it("is what the driver says, where there is one, process by process", () => {
    const card = { index: 0, uuid: "u", totalBytes: 110, usedBytes: 77 };
    const processes = [
      { pid: 70, cardUuid: "u", usedBytes: 33 },
      { pid: 70, cardUuid: "another", usedBytes: 5 },
      { pid: 99, cardUuid: "u", usedBytes: 44 },
    ];
    expect(measuredCard(sources({ driver: { cards: [card], processes } }))).toEqual({
      truth: {
        totalBytes: 110,
        usedBytes: 77,
        slots: [{ slot: "a", heldBytes: 33, slackBytes: 10 }],
      },
      source: "nvidia-smi",
    });
  });
  it("is asked of the card that ComfyUI sees, among several", () => {
    const cards = [
      { index: 0, uuid: "u0", totalBytes: 100, usedBytes: 1 },
      { index: 1, uuid: "u1", totalBytes: 100, usedBytes: 2 },
    ];
    const driver = { cards, processes: [] };
    const used = (visibleDevices: string | undefined): number | undefined =>
      measuredCard(sources({ driver, visibleDevices }))?.truth.usedBytes;
    expect([used("1"), used("u0,u1")]).toEqual([2, 1]);
    // Two cards alike and none named: ComfyUI's own word is all there is.
    expect(used(undefined)).toBe(50);
  });
  it("is nothing where there is no card", () => {
    expect(deviceMemoryOf({ devices: [{ type: "cpu", vram_total: 5 }] })).toBeUndefined();
    expect(deviceMemoryOf({ devices: [{ type: "cuda", vram_total: -1 }] })).toBeUndefined();
    expect(deviceMemoryOf("nonsense")).toBeUndefined();
    const blind = sources({ slots: [{ slot: "a", device: undefined, groupId: undefined }] });
    expect(measuredCard(blind)).toBeUndefined();
  });
});
