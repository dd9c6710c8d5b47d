/** Where a model is on a worker; the nearest place counts. */
export type Tier = "vram" | "ram" | "disk";

/** How fast a worker moves weights, and what a model costs that it must fetch first. */
export interface LoadRates {
  readonly ramBytesPerSecond: number;
  readonly diskBytesPerSecond: number;
  readonly networkBytesPerSecond: number;
}

/**
 * Cautious until a worker has reported its own: published loads of a 7 GB class model take 22 s
 * from disk, far below what the hardware could do.
 */
const defaultLoadRates: LoadRates = {
  ramBytesPerSecond: 2.4e9,
  diskBytesPerSecond: 0.32e9,
  networkBytesPerSecond: 0.1e9,
};

export interface NeededModel {
  readonly model: string;
  readonly bytes: number;
}

/** Seconds until all models are in VRAM, loaded one after the other. */
export function loadSeconds(
  models: readonly NeededModel[],
  tierOf: (model: string) => Tier | undefined,
  rates: LoadRates = defaultLoadRates,
): number {
  let seconds = 0;
  for (const { model, bytes } of models) {
    const tier = tierOf(model);
    if (tier === "vram") continue;
    if (tier === "ram") seconds += bytes / rates.ramBytesPerSecond;
    else seconds += bytes / rates.diskBytesPerSecond;
    if (tier === undefined) seconds += bytes / rates.networkBytesPerSecond;
  }
  return seconds;
}
