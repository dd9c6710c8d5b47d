import type { CardTruth, SlotTruth } from "../../memory/drift.ts";
import type { DeviceMemory } from "./device-memory.ts";
import type { DriverCard, DriverReading } from "./nvidia-smi.ts";

/** The reading of one slot: what its ComfyUI says, and the process group in which it runs. */
export interface SlotReading {
  readonly slot: string;
  readonly device: DeviceMemory | undefined;
  readonly groupId: number | undefined;
}

export interface TruthSources {
  readonly slots: readonly SlotReading[];
  readonly driver: DriverReading | undefined;
  /** Of a process, its group; undefined where it cannot be known. */
  readonly groupOf: (pid: number) => number | undefined;
  /** `CUDA_VISIBLE_DEVICES` of the agent. */
  readonly visibleDevices: string | undefined;
}

export interface MeasuredCard {
  readonly truth: CardTruth;
  readonly source: "nvidia-smi" | "system_stats";
}

/**
 * What is in use on the card. The driver knows better than a ComfyUI, which sees only itself and
 * what is free; where the driver tells processes apart, each slot's share is known too.
 */
export function measuredCard(sources: TruthSources): MeasuredCard | undefined {
  const { slots, driver } = sources;
  const [first] = slots.flatMap(({ device }) => device ?? []);
  if (first === undefined) return undefined;
  const card = driver === undefined ? undefined : cardOf(driver.cards, first, sources);
  if (driver === undefined || card === undefined) {
    const reservedSlack = slots.reduce((sum, { device }) => sum + (device?.slackBytes ?? 0), 0);
    // A ComfyUI counts its own slack as free.
    const freeBytes = Math.min(...slots.flatMap(({ device }) => ownFree(device)));
    const usedBytes = Math.min(first.totalBytes, first.totalBytes - freeBytes);
    const tracked = slots.map(({ slot, device }) => slotTruth(slot, device, null));
    return {
      truth: {
        totalBytes: first.totalBytes,
        usedBytes: Math.max(usedBytes, reservedSlack),
        slots: tracked,
      },
      source: "system_stats",
    };
  }
  const processes = driver.processes.filter(({ cardUuid }) => cardUuid === card.uuid);
  const held = (groupId: number | undefined): number | null => {
    if (groupId === undefined) return null;
    const ours = processes.filter(({ pid }) => sources.groupOf(pid) === groupId);
    return ours.length === 0 ? null : ours.reduce((sum, { usedBytes }) => sum + usedBytes, 0);
  };
  const tracked = slots.map(({ slot, device, groupId }) => slotTruth(slot, device, held(groupId)));
  const { totalBytes, usedBytes } = card;
  return { truth: { totalBytes, usedBytes, slots: tracked }, source: "nvidia-smi" };
}

/** What is free on the card, without what the process itself has reserved. */
function ownFree(device: DeviceMemory | undefined): readonly number[] {
  return device === undefined ? [] : [Math.max(0, device.freeBytes - device.slackBytes)];
}

function slotTruth(
  slot: string,
  device: DeviceMemory | undefined,
  heldBytes: number | null,
): SlotTruth {
  return { slot, heldBytes, slackBytes: device?.slackBytes ?? 0 };
}

/** Which card a ComfyUI sees as its first: the only one, or the first that is made visible. */
function cardOf(
  cards: readonly DriverCard[],
  device: DeviceMemory,
  { visibleDevices }: TruthSources,
): DriverCard | undefined {
  if (cards.length === 1) return cards[0];
  const first = visibleDevices?.split(",")[0]?.trim() ?? "";
  const named = cards.find(({ index, uuid }) => String(index) === first || uuid === first);
  if (named !== undefined) return named;
  // CUDA orders cards its own way, so without a name only a unique size tells.
  const alike = cards.filter(({ totalBytes }) => isClose(totalBytes, device.totalBytes));
  return alike.length === 1 ? alike[0] : undefined;
}

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= 0.05 * Math.max(a, b);
}
