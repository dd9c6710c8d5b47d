import { isJsonObject, type JsonValue } from "../../kernel/json.ts";

/** The memory of ComfyUI's device, by its own word. Bytes. */
export interface DeviceMemory {
  readonly totalBytes: number;
  /** Free on the card, and what this process has reserved and does not use. */
  readonly freeBytes: number;
  /** Reserved by this process's allocator. */
  readonly reservedBytes: number;
  /** The part of it that is not in use. */
  readonly slackBytes: number;
}

/** The first device of a reply of `/system_stats`; undefined for a processor: it has no card. */
export function deviceMemoryOf(systemStats: unknown): DeviceMemory | undefined {
  const devices = isJsonObject(systemStats) ? systemStats["devices"] : undefined;
  const first = Array.isArray(devices) ? (devices as readonly JsonValue[])[0] : undefined;
  if (!isJsonObject(first) || first["type"] === "cpu") return undefined;
  const totalBytes = bytesOf(first["vram_total"]);
  if (totalBytes === 0) return undefined;
  const reservedBytes = bytesOf(first["torch_vram_total"]);
  return {
    totalBytes,
    freeBytes: Math.min(totalBytes, bytesOf(first["vram_free"])),
    reservedBytes,
    slackBytes: Math.min(reservedBytes, bytesOf(first["torch_vram_free"])),
  };
}

function bytesOf(value: JsonValue | undefined): number {
  return typeof value === "number" && value > 0 && Number.isFinite(value) ? Math.floor(value) : 0;
}
