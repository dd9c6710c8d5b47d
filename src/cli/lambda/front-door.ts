import awsLambdaFastify from "@fastify/aws-lambda";
import type { APIGatewayProxyEventV2, Context } from "aws-lambda";

import { loadSettings } from "../../config/load.ts";
import type { Settings } from "../../config/schema.ts";
import { openGateway } from "../../gateway/server.ts";
import { HearthError } from "../../kernel/errors.ts";
import { createLogger } from "../../observability/logger.ts";
import { openPostgresStore } from "../../store/postgres/store.ts";
import { openBlobs } from "../blobs-of.ts";
import { gatewaySettingsOf } from "../gateway-parts.ts";
import type { Io } from "../output.ts";
import { loadSecrets } from "../secrets.ts";
import { assureSchema } from "../store-access.ts";
import { systemClock } from "../system.ts";

type LambdaResponse = awsLambdaFastify.LambdaResponse;

/** The gateway behind an HTTP API of API Gateway (payload format 2.0). */
export interface FrontDoor {
  handle(event: APIGatewayProxyEventV2, context: Context): Promise<LambdaResponse>;
  close(): Promise<void>;
}

const wholeReplies = {
  decorateRequest: false,
  parseCommaSeparatedQueryParams: false,
  payloadAsStream: false,
} as const;
/** API Gateway gives an integration 30 s; a stream ends well before. */
const wholeStreamMs = 20_000;
/** An invocation carries 6 MB, and a third of that is lost to base64. */
const uploadBytes = 4 * 1024 * 1024;
/** Instances of a function are many and serve one request at a time. */
const maxConnections = 2;

/**
 * Opens the gateway for one instance of the function; it lives as long as that does. Settings come
 * from the environment. Errors: `config_invalid` without a database, bucket and public URL of its
 * own, `bind_refused` while there is no API key.
 */
export async function openFrontDoor(io: Pick<Io, "environment" | "folder">): Promise<FrontDoor> {
  const { environment, folder } = io;
  const settings = await loadSettings({ flags: {}, environment, folder });
  const { databaseUrl, publicUrl } = requireShared(settings, environment);
  const logger = createLogger({ level: settings.logLevel ?? "info" });
  const secrets = await loadSecrets(settings.dataDir, environment);
  await assureSchema(settings, databaseUrl);
  const store = await openPostgresStore({ connectionString: databaseUrl, maxConnections });
  try {
    const { blobs } = await openBlobs(settings, publicUrl, secrets.blobSigningKey, systemClock);
    const own = gatewaySettingsOf(settings, publicUrl);
    const gateway = await openGateway({
      store,
      blobs,
      settings: {
        ...own,
        wholeStreamMs,
        limits: { ...own.limits, uploadBytes: Math.min(own.limits.uploadBytes, uploadBytes) },
      },
      logger,
      clock: systemClock,
      sealKey: secrets.sealKey,
      blobSigningKey: null,
    });
    const handle = awsLambdaFastify<APIGatewayProxyEventV2, typeof wholeReplies>(
      gateway.app,
      wholeReplies,
    );
    return {
      handle,
      close: async () => {
        await gateway.close();
        await store.close();
      },
    };
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
}

/** What instances of a function cannot keep for themselves. */
function requireShared(
  settings: Settings,
  environment: Io["environment"],
): { readonly databaseUrl: string; readonly publicUrl: string } {
  const { databaseUrl, publicUrl, blobs } = settings;
  if (databaseUrl === undefined) throw missing("DATABASE_URL");
  if (publicUrl === undefined) throw missing("HEARTH_PUBLIC_URL");
  if (blobs.kind !== "s3") throw missing("HEARTH_S3_BUCKET");
  if (!environment["HEARTH_SEAL_KEY"]) throw missing("HEARTH_SEAL_KEY");
  if (!environment["HEARTH_BLOB_SIGNING_KEY"]) throw missing("HEARTH_BLOB_SIGNING_KEY");
  return { databaseUrl, publicUrl: publicUrl.replace(/\/+$/u, "") };
}

function missing(setting: string): HearthError {
  const message = `A function keeps nothing between its instances: ${setting} must be set.`;
  return new HearthError("config_invalid", { message, details: { setting } });
}
