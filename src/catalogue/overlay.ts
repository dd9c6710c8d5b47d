import { z } from "zod";

import { err, type Result } from "../kernel/result.ts";
import { offerKey, parseCatalogue, type Catalogue } from "./catalogue.ts";
import { factSchema, gpuSchema, offerSchema, platformSchema } from "./schema.ts";

/**
 * An operator's own prices, or what a platform's API published: whole rows, each replacing the
 * one with the same key and added where there is none.
 */
const overlaySchema = z.strictObject({
  gpus: z.array(gpuSchema).default([]),
  platforms: z.array(platformSchema).default([]),
  facts: z.array(factSchema).default([]),
  offers: z.array(offerSchema).default([]),
});

/** Lays rows over a catalogue and checks the whole again. */
export function overlayCatalogue(catalogue: Catalogue, rows: unknown): Result<Catalogue, string> {
  const parsed = overlaySchema.safeParse(rows);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return err(`${issue?.path.join(".") ?? "prices"}: ${issue?.message ?? "invalid"}`);
  }
  const over = parsed.data;
  return parseCatalogue({
    gpus: replaced(catalogue.gpus, over.gpus, ({ id }) => id),
    platforms: replaced(catalogue.platforms, over.platforms, ({ id }) => id),
    facts: replaced(catalogue.facts, over.facts, ({ platform, fact }) => `${platform}/${fact}`),
    offers: replaced(catalogue.offers, over.offers, offerKey),
  });
}

function replaced<T>(
  under: readonly T[],
  over: readonly T[],
  keyOf: (row: T) => string,
): readonly T[] {
  const taken = new Set(over.map(keyOf));
  return [...under.filter((row) => !taken.has(keyOf(row))), ...over];
}
