import { err, ok, type Result } from "../kernel/result.ts";
import {
  catalogueSchema,
  type CatalogueRows,
  type Fact,
  type FactName,
  type Gpu,
  type Offer,
  type Platform,
} from "./schema.ts";

/** Rows that were checked against each other: names resolve, keys are unique. */
export interface Catalogue extends CatalogueRows {
  readonly gpuById: ReadonlyMap<string, Gpu>;
  readonly platformById: ReadonlyMap<string, Platform>;
  readonly factByKey: ReadonlyMap<string, Fact>;
}

/** Checks rows from any source. The error names the first row that is wrong, and why. */
export function parseCatalogue(rows: unknown): Result<Catalogue, string> {
  const parsed = catalogueSchema.safeParse(rows);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return err(`${issue?.path.join(".") ?? "catalogue"}: ${issue?.message ?? "invalid"}`);
  }
  const catalogue = indexRows(parsed.data);
  const wrong = firstInconsistency(catalogue);
  return wrong === undefined ? ok(catalogue) : err(wrong);
}

export function offerKey(offer: Pick<Offer, "platform" | "gpu" | "region">): string {
  return `${offer.platform}/${offer.gpu}/${offer.region}`;
}

export function factOf(catalogue: Catalogue, platform: string, fact: FactName): Fact | undefined {
  return catalogue.factByKey.get(`${platform}/${fact}`);
}

/** The fact's value; `fallback` where the catalogue does not know it or there is no limit. */
export function factValue(
  catalogue: Catalogue,
  platform: string,
  fact: FactName,
  fallback: number,
): number {
  return factOf(catalogue, platform, fact)?.value ?? fallback;
}

/** Which GPU a device of that name is, as `nvidia-smi` or torch name it; undefined: not known. */
export function gpuOfDevice(catalogue: Catalogue, deviceName: string): Gpu | undefined {
  const matches = catalogue.gpus.flatMap((gpu) =>
    gpu.deviceNames.filter((name) => deviceName.includes(name)).map((name) => ({ gpu, name })),
  );
  // "NVIDIA L40S" also contains "NVIDIA L4": the longest name is meant.
  return matches.toSorted((left, right) => right.name.length - left.name.length)[0]?.gpu;
}

export function gpuVramBytes(gpu: Gpu): number {
  return Math.floor(gpu.vramGib * 1024 ** 3);
}

function indexRows(rows: CatalogueRows): Catalogue {
  return {
    ...rows,
    gpuById: new Map(rows.gpus.map((gpu) => [gpu.id, gpu])),
    platformById: new Map(rows.platforms.map((platform) => [platform.id, platform])),
    factByKey: new Map(rows.facts.map((fact) => [`${fact.platform}/${fact.fact}`, fact])),
  };
}

function firstInconsistency(catalogue: Catalogue): string | undefined {
  const { gpus, platforms, facts, offers } = catalogue;
  return (
    repeated(
      "gpus",
      gpus.map(({ id }) => id),
    ) ??
    repeated(
      "platforms",
      platforms.map(({ id }) => id),
    ) ??
    repeated(
      "facts",
      facts.map(({ platform, fact }) => `${platform}/${fact}`),
    ) ??
    repeated("offers", offers.map(offerKey)) ??
    facts.flatMap((fact) => unknownPlatform(catalogue, "facts", fact.platform))[0] ??
    offers.flatMap((offer) => unknownPlatform(catalogue, "offers", offer.platform))[0] ??
    offers.flatMap((offer) => offerFault(catalogue, offer))[0]
  );
}

function repeated(list: string, keys: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (const key of keys) {
    if (seen.has(key)) return `${list}: ${key} is there twice`;
    seen.add(key);
  }
  return undefined;
}

function unknownPlatform(catalogue: Catalogue, list: string, id: string): readonly string[] {
  return catalogue.platformById.has(id) ? [] : [`${list}: there is no platform ${id}`];
}

function offerFault(catalogue: Catalogue, offer: Offer): readonly string[] {
  if (!catalogue.gpuById.has(offer.gpu)) {
    return [`offers: ${offerKey(offer)} names a GPU that is not in the catalogue`];
  }
  const published = publishedMicroUsdPerHour(offer.published);
  return published === offer.gpuMicroUsdPerHour
    ? []
    : [`offers: ${offerKey(offer)} says ${offer.published}, which is ${published} micro-USD/h`];
}

/** Reads "$0.00031/s" or "$1.90/h"; prices finer than a micro-dollar an hour are rounded. */
function publishedMicroUsdPerHour(published: string): number {
  const [price = "", unit] = published.slice(1).split("/");
  const perHour = Number(price) * (unit === "s" ? 3_600 : 1);
  return Math.round(perHour * 1_000_000);
}
