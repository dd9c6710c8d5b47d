import type { Hardware, InstanceStatus } from "../platforms/platform.ts";
import type { InstanceRecord } from "../store/control.ts";

export interface HardwareNews {
  readonly instanceId: string;
  readonly hardware: Hardware;
}

/** Which records do not say yet what their instance really runs on. */
export function hardwareNews(
  rows: readonly InstanceRecord[],
  statuses: readonly InstanceStatus[],
): readonly HardwareNews[] {
  return rows.flatMap((row) => {
    const status = statuses.find(
      (one) => one.clientToken === row.id || one.externalId === row.externalId,
    );
    const hardware = status?.hardware;
    if (hardware === undefined || isSame(row.hardware, hardware)) return [];
    return [{ instanceId: row.id, hardware }];
  });
}

function isSame(known: Hardware | null, hardware: Hardware): boolean {
  return (
    known?.gpu === hardware.gpu &&
    known.region === hardware.region &&
    known.isSpot === hardware.isSpot
  );
}
