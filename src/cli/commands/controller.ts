import { randomBytes } from "node:crypto";

import type { Catalogue } from "../../catalogue/catalogue.ts";
import { startController } from "../../control/controller.ts";
import { actualOffer, type NamedHardware } from "../../cost/actual-offer.ts";
import { hourlyRate } from "../../cost/rate.ts";
import { mintToken } from "../../gateway/credentials.ts";
import { createLogger } from "../../observability/logger.ts";
import { openPostgresStore } from "../../store/postgres/store.ts";
import { catalogueOf } from "../pricing/catalogue-of.ts";
import { openBlobs } from "../blobs-of.ts";
import { baseUrlOf, settingsOf, type CommandContext } from "../command-context.ts";
import { aborted, listenForInterrupts } from "../interrupts.ts";
import { openPlatforms } from "../platforms/open.ts";
import { loadSecrets } from "../secrets.ts";
import { assureSchema, openDatabase } from "../store-access.ts";
import { newId, systemClock } from "../system.ts";
import { Teardown } from "../teardown.ts";

/** `hearth controller`: the control loops alone; of several one leads. */
export async function serveController(context: CommandContext): Promise<void> {
  const settings = await settingsOf(context);
  const logger = createLogger({ level: settings.logLevel ?? "info" });
  const interrupts = listenForInterrupts();
  const teardown = new Teardown(logger);
  teardown.add("signals", async () => interrupts.close());
  try {
    const secrets = await loadSecrets(settings.dataDir, context.io.environment);
    const database = await openDatabase(settings);
    teardown.add("database", () => database.close());
    await assureSchema(settings, database.connectionString);
    const store = await openPostgresStore({ connectionString: database.connectionString });
    teardown.add("store", () => store.close());
    const gatewayUrl = settings.publicUrl ?? baseUrlOf(context.io.environment);
    const opened = await openBlobs(settings, gatewayUrl, secrets.blobSigningKey, systemClock);
    const catalogue = await catalogueOf(context);
    const platforms = await openPlatforms(settings.platforms, context.io.environment);
    teardown.add("platforms", async () => platforms.forEach((platform) => platform.close?.()));
    const controller = startController({
      store,
      blobs: opened.blobs,
      platforms,
      priceMicroUsdPerHour: ({ kind, offer }) => priceOf(catalogue, kind, offer),
      desired: [],
      catalogue,
      gatewayUrl,
      logger,
      clock: systemClock,
      lease: settings.lease,
      sweepIntervalMs: settings.sweepIntervalMs,
      random: Math.random,
      newId,
      mintToken: () => mintToken(randomBytes(32)),
    });
    teardown.add("controller", () => controller.close());
    context.output.note("controller is running");
    context.output.result({ state: "running" }, "");
    await aborted(interrupts.first);
  } finally {
    await teardown.run();
  }
}

/** All-in; 0 where the catalogue has no price. */
function priceOf(catalogue: Catalogue, kind: string, hardware: NamedHardware): number {
  const offer = actualOffer(catalogue, kind, hardware);
  return offer === undefined ? 0 : hourlyRate(offer).totalMicroUsd;
}
