import { factOf, gpuVramBytes, type Catalogue } from "./catalogue.ts";
import type { FactName, Gpu, Platform } from "./schema.ts";

/** What a release and a workflow need; null: not known. */
export interface Needs {
  /** 0: no GPU is needed. */
  readonly vramBytes: number | null;
  readonly memoryBytes: number | null;
  readonly imageBytes: number | null;
  readonly runMs: number | null;
  readonly requestBytes: number | null;
  readonly responseBytes: number | null;
  /** Workers at once. */
  readonly instances: number | null;
  /** Cards that will do, by their ids; empty: any with the memory. */
  readonly gpus: readonly string[];
}

export type NeedName = Exclude<keyof Needs, "gpus">;

/** One limit held against one need. */
export interface LimitCheck {
  readonly need: NeedName;
  readonly needed: number;
  /** Null: there is no limit. Undefined: the catalogue does not know one. */
  readonly allowed: number | null | undefined;
  readonly holds: boolean;
  readonly source: string;
  readonly asOf: string;
  readonly note: string;
}

export interface Fit {
  readonly platform: Platform;
  readonly verdict: "fits" | "does not fit";
  /** The check that decides: the first that fails, or else the one with the least to spare. */
  readonly deciding: LimitCheck | undefined;
  readonly checks: readonly LimitCheck[];
  /** Needs about which nothing could be said: not known, or no limit on record. */
  readonly open: readonly NeedName[];
  /** Cards that have the memory, smallest first. */
  readonly gpus: readonly string[];
}

const factByNeed: Readonly<Record<Exclude<NeedName, "vramBytes">, FactName>> = {
  memoryBytes: "memoryBytes",
  imageBytes: "imageBytes",
  runMs: "jobMs",
  requestBytes: "requestBytes",
  responseBytes: "responseBytes",
  instances: "instances",
};

/** Holds needs against every limit of a platform. */
export function fitPlatform(catalogue: Catalogue, platform: Platform, needs: Needs): Fit {
  const cards = cardsOf(catalogue, platform, needs.gpus);
  const vram = vramCheck(catalogue, platform, needs.vramBytes, cards);
  const names = Object.keys(factByNeed) as (keyof typeof factByNeed)[];
  const others = names.map((need) => limitCheck(catalogue, platform, need, needs[need]));
  const checks = [vram, ...others].filter((check) => check !== undefined);
  const settled = new Set(checks.filter(({ allowed }) => allowed !== undefined).map(keyOf));
  return {
    platform,
    verdict: checks.every(({ holds }) => holds) ? "fits" : "does not fit",
    deciding: checks.find(({ holds }) => !holds) ?? tightest(checks),
    checks,
    open: (["vramBytes", ...names] as const).filter((need) => !settled.has(need)),
    gpus: cards
      .filter((gpu) => gpuVramBytes(gpu) >= (needs.vramBytes ?? 0))
      .toSorted((left, right) => left.vramGib - right.vramGib)
      .map(({ id }) => id),
  };
}

function cardsOf(
  catalogue: Catalogue,
  platform: Platform,
  allowed: readonly string[],
): readonly Gpu[] {
  const offered = new Set(
    catalogue.offers.filter((offer) => offer.platform === platform.id).map(({ gpu }) => gpu),
  );
  return catalogue.gpus.filter(
    ({ id }) => offered.has(id) && (allowed.length === 0 || allowed.includes(id)),
  );
}

/** The largest card decides: a platform without a card has 0 bytes. */
function vramCheck(
  catalogue: Catalogue,
  platform: Platform,
  needed: number | null,
  cards: readonly Gpu[],
): LimitCheck | undefined {
  if (needed === null) return undefined;
  const largest = cards.toSorted((left, right) => right.vramGib - left.vramGib)[0];
  const allowed = largest === undefined ? 0 : gpuVramBytes(largest);
  const { source, asOf } = largest ?? platform;
  const note =
    largest === undefined ? noCard(catalogue, platform) : `the largest is ${largest.name}`;
  return { need: "vramBytes", needed, allowed, holds: needed <= allowed, source, asOf, note };
}

function noCard(catalogue: Catalogue, platform: Platform): string {
  const isOffered = catalogue.offers.some((offer) => offer.platform === platform.id);
  return isOffered ? "none of the cards asked for is offered" : (platform.note ?? "no GPU");
}

function limitCheck(
  catalogue: Catalogue,
  platform: Platform,
  need: keyof typeof factByNeed,
  needed: number | null,
): LimitCheck | undefined {
  const fact = factOf(catalogue, platform.id, factByNeed[need]);
  if (needed === null || fact === undefined) return undefined;
  const { value: allowed, source, asOf, note = "" } = fact;
  return {
    need,
    needed,
    allowed,
    holds: allowed === null || needed <= allowed,
    source,
    asOf,
    note,
  };
}

function tightest(checks: readonly LimitCheck[]): LimitCheck | undefined {
  const share = ({ needed, allowed }: LimitCheck): number =>
    allowed === null || allowed === undefined ? 0 : needed / Math.max(1, allowed);
  return checks.toSorted((left, right) => share(right) - share(left))[0];
}

function keyOf({ need }: LimitCheck): NeedName {
  return need;
}
