import { z } from "zod";

import { err, ok, type Result } from "../../kernel/result.ts";
import { gpuOfDevice, type Catalogue } from "../catalogue.ts";
import type { Offer } from "../schema.ts";

/** What is asked of RunPod's REST API v2, below its base URL. */
export const runpodCataloguePath = "/catalog/gpus";

const rowSchema = z.object({
  /** Such as "NVIDIA GeForce RTX 4090". */
  id: z.string().min(1),
  pool: z.string().min(1).nullish(),
  /** In dollars an hour; absent where the card is not offered so. */
  price: z.object({ serverless: z.number().positive().nullish() }).nullish(),
});

/** Lists come wrapped under a name. */
const replySchema = z.union([
  z.object({ gpus: z.array(rowSchema) }).transform(({ gpus }) => gpus),
  z.object({ data: z.array(rowSchema) }).transform(({ data }) => data),
  z.object({ items: z.array(rowSchema) }).transform(({ items }) => items),
]);

/**
 * Offers of the cards that the catalogue knows; several models of one card count at the dearest.
 * `asOf` is the day of the reply.
 */
export function runpodOffers(
  catalogue: Catalogue,
  reply: unknown,
  asOf: string,
): Result<readonly Offer[], string> {
  const parsed = replySchema.safeParse(reply);
  if (!parsed.success) return err("the reply is no list of GPUs");
  const offers = new Map<string, Offer>();
  for (const { id, pool, price } of parsed.data) {
    const gpu = gpuOfDevice(catalogue, id);
    const usdPerHour = price?.serverless;
    if (gpu === undefined || usdPerHour === undefined || usdPerHour === null) continue;
    const microUsd = Math.round(usdPerHour * 1_000_000);
    if (microUsd <= (offers.get(gpu.id)?.gpuMicroUsdPerHour ?? 0)) continue;
    offers.set(gpu.id, {
      platform: "runpod",
      gpu: gpu.id,
      platformGpu: pool ?? null,
      region: "any",
      published: `$${(microUsd / 1_000_000).toFixed(6)}/h`,
      gpuMicroUsdPerHour: microUsd,
      vcpuMicroUsdPerHour: 0,
      memoryMicroUsdPerGibHour: 0,
      minVcpus: 0,
      minMemoryGib: 0,
      grade: "vendor",
      source: "RunPod API, GET /v2/catalog/gpus",
      asOf,
      note: "CPU and memory included.",
    });
  }
  return offers.size === 0
    ? err("the reply prices no card that is known")
    : ok([...offers.values()]);
}
