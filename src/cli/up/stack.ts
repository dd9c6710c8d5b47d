import { randomBytes } from "node:crypto";

import type { Settings } from "../../config/schema.ts";
import { startController } from "../../control/controller.ts";
import { mintToken } from "../../gateway/credentials.ts";
import { startGateway } from "../../gateway/server.ts";
import type { Logger } from "../../observability/logger.ts";
import { openPostgresStore } from "../../store/postgres/store.ts";
import type { Store } from "../../store/store.ts";
import { openBlobs } from "../blobs-of.ts";
import type { ComfyuiChoice } from "../comfyui-choice.ts";
import { chooseGatewayPlace, gatewaySettingsOf } from "../gateway-parts.ts";
import type { Io } from "../output.ts";
import { loadSecrets } from "../secrets.ts";
import { newId, systemClock } from "../system.ts";
import type { Teardown } from "../teardown.ts";
import { openUpDatabase } from "./database.ts";
import {
  drainWorkers,
  openLocalPlatform,
  readWorkerSigns,
  type WorkerSigns,
} from "./local-workers.ts";

export interface StackOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly io: Io;
  readonly workers: number;
  readonly comfyui: ComfyuiChoice;
  /** Ends the wait for workers that finish their jobs. */
  readonly hurry: AbortSignal;
}

/** Everything that `hearth up` started, ready to be used. */
export interface Stack {
  readonly store: Store;
  readonly publicUrl: string;
  readonly localUrl: string;
  readonly dataDir: string;
  readonly database: string;
  readonly workersBefore: WorkerSigns;
}

/**
 * Starts the whole: database, blobs, gateway, control loops, workers. What has been started is in
 * `teardown` even when a later part fails. Stopping goes the other way round: no new workers,
 * workers finish, gateway, store, and the database last.
 */
export async function startStack(options: StackOptions, teardown: Teardown): Promise<Stack> {
  const { settings, logger, io } = options;
  const database = await openUpDatabase(settings, logger, teardown);
  const { dataDir } = database;
  const place = await chooseGatewayPlace(settings);
  const { publicUrl, localUrl } = place;
  const { comfyui } = options;
  const platform = await openLocalPlatform({
    dataDir,
    gatewayUrl: localUrl,
    comfyui,
    models: settings.models,
    io,
  });
  const store = await openPostgresStore({ connectionString: database.connectionString });
  teardown.add("store", () => store.close());
  const workersBefore = await readWorkerSigns(store);
  const secrets = await loadSecrets(dataDir, io.environment);
  const ownSettings = { ...settings, dataDir };
  const opened = await openBlobs(ownSettings, publicUrl, secrets.blobSigningKey, systemClock);
  const gateway = await startGateway({
    store,
    blobs: opened.blobs,
    settings: gatewaySettingsOf(settings, publicUrl),
    logger,
    clock: systemClock,
    sealKey: secrets.sealKey,
    blobSigningKey: opened.signingKey,
    host: place.host,
    port: place.port,
  });
  teardown.add("gateway", () => gateway.close());
  teardown.add("workers", () => drainWorkers(platform, store, options.hurry));
  const tenant = await store.access.ensureTenant("default");
  const { id: deploymentId, slug: deployment } = await store.access.defaultDeployment(tenant.id);
  const pool = { platform: platform.name, deploymentId, deployment, count: options.workers };
  const controller = startController({
    store,
    blobs: opened.blobs,
    platforms: [platform],
    desired: [pool],
    gatewayUrl: localUrl,
    logger,
    clock: systemClock,
    lease: settings.lease,
    sweepIntervalMs: settings.sweepIntervalMs,
    random: Math.random,
    newId,
    mintToken: () => mintToken(randomBytes(32)),
  });
  teardown.add("controller", () => controller.close());
  return { store, publicUrl, localUrl, dataDir, database: database.description, workersBefore };
}
