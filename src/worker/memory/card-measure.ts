import { readFile } from "node:fs/promises";

import { reconcile } from "../../memory/drift.ts";
import type { CardLedger } from "../../memory/ledger.ts";
import { measuredCard, type MeasuredCard } from "./card-truth.ts";
import { readNvidiaSmi, type DriverReading } from "./nvidia-smi.ts";
import type { SlotHost } from "./slot-host.ts";

export interface Measurement extends MeasuredCard {
  /** Measured less booked, before the book was corrected. */
  readonly driftBytes: number;
}

/** Asks all processes of a card and its driver; undefined where there is no card. */
export async function measureCard(
  hosts: ReadonlyMap<string, SlotHost>,
  readDriver: () => Promise<DriverReading | undefined> = readNvidiaSmi,
): Promise<MeasuredCard | undefined> {
  const readings = [...hosts].map(async ([slot, host]) => {
    return { slot, device: await host.measure(), groupId: host.groupId() };
  });
  const slots = await Promise.all(readings);
  // A machine without a card needs no driver to be asked.
  if (slots.every(({ device }) => device === undefined)) return undefined;
  const driver = await readDriver();
  const pids = driver?.processes.map(({ pid }) => pid) ?? [];
  const groups = new Map(
    await Promise.all(pids.map(async (pid) => [pid, await processGroup(pid)] as const)),
  );
  const visibleDevices = process.env["CUDA_VISIBLE_DEVICES"];
  return measuredCard({ slots, driver, groupOf: (pid) => groups.get(pid), visibleDevices });
}

/** Corrects the book; the drift is what it was wrong by. */
export function corrected(
  book: CardLedger,
  measured: MeasuredCard,
  nowMs: number,
): { readonly ledger: CardLedger; readonly measurement: Measurement } {
  const { ledger, driftBytes } = reconcile(book, measured.truth, nowMs);
  return { ledger, measurement: { ...measured, driftBytes } };
}

async function processGroup(pid: number): Promise<number | undefined> {
  if (process.platform !== "linux") return undefined;
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The name in parentheses may hold spaces and parentheses itself: count from its end.
  const group = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]);
  return Number.isInteger(group) && group > 0 ? group : undefined;
}
