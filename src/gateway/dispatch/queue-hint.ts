/** What a signal of topic `queue` says: a deployment has work, and perhaps where it was queued. */
export interface QueueHint {
  readonly deploymentId: number;
  /** Null: something changed, nobody says what. */
  readonly placed: PlacedJob | null;
}

export interface PlacedJob {
  readonly modelSet: number;
  readonly vramClass: number;
  readonly v: number;
  readonly vCold: number;
}

export function formatQueueHint(deploymentId: number, placed: PlacedJob): string {
  const { modelSet, vramClass, v, vCold } = placed;
  return [deploymentId, modelSet, vramClass, v, vCold].join(":");
}

/** Hints come from other gateways, perhaps of another version: what is not understood says less. */
export function parseQueueHint(text: string): QueueHint | undefined {
  const [deploymentId = Number.NaN, ...rest] = text.split(":").map(Number);
  if (!Number.isInteger(deploymentId)) return undefined;
  const [modelSet, vramClass, v, vCold] = rest;
  const isWhole = rest.length === 4 && rest.every(Number.isFinite);
  if (!isWhole || modelSet === undefined || vramClass === undefined) {
    return { deploymentId, placed: null };
  }
  return { deploymentId, placed: { modelSet, vramClass, v: v ?? 0, vCold: vCold ?? 0 } };
}
