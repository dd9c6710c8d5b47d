import { startGateway } from "../../gateway/server.ts";
import { createLogger } from "../../observability/logger.ts";
import { openPostgresStore } from "../../store/postgres/store.ts";
import { openBlobs } from "../blobs-of.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { chooseGatewayPlace, gatewaySettingsOf } from "../gateway-parts.ts";
import { aborted, listenForInterrupts } from "../interrupts.ts";
import { loadSecrets } from "../secrets.ts";
import { assureSchema, openDatabase } from "../store-access.ts";
import { systemClock } from "../system.ts";
import { Teardown } from "../teardown.ts";

export interface ServerFlags {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly publicUrl?: string | undefined;
}

/** `hearth gateway`: the APIs alone, any number of them over one database. */
export async function serveGateway(context: CommandContext, flags: ServerFlags): Promise<void> {
  const settings = await settingsOf(context, { ...flags });
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
    const { host, port, publicUrl } = await chooseGatewayPlace(settings);
    const opened = await openBlobs(settings, publicUrl, secrets.blobSigningKey, systemClock);
    const gateway = await startGateway({
      store,
      blobs: opened.blobs,
      settings: gatewaySettingsOf(settings, publicUrl),
      logger,
      clock: systemClock,
      sealKey: secrets.sealKey,
      blobSigningKey: opened.signingKey,
      host,
      port,
    });
    teardown.add("gateway", () => gateway.close());
    context.output.result({ url: publicUrl }, publicUrl);
    await aborted(interrupts.first);
  } finally {
    await teardown.run();
  }
}
