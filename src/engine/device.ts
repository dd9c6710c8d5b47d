import { freemem, totalmem } from "node:os";

/** A device as `/system_stats` tells of it, in bytes. */
export interface EngineDevice {
  readonly name: string;
  readonly type: string;
  readonly index: number | null;
  readonly vram_total: number;
  readonly vram_free: number;
  readonly torch_vram_total: number;
  readonly torch_vram_free: number;
}

/** What memory is to be given back between two prompts. */
export interface FreeRequest {
  readonly models: boolean;
  readonly cache: boolean;
}

/** The processor that runs the built-in nodes; its memory is the machine's. */
export function processor(): EngineDevice {
  const [total, free] = [totalmem(), freemem()];
  return {
    name: "cpu",
    type: "cpu",
    index: null,
    vram_total: total,
    vram_free: free,
    torch_vram_total: total,
    torch_vram_free: free,
  };
}
