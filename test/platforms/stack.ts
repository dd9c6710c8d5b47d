import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openFileBlobs } from "../../src/blobs/fs/store.ts";
import { startController } from "../../src/control/controller.ts";
import { defaultLimits } from "../../src/gateway/context.ts";
import { mintToken } from "../../src/gateway/credentials.ts";
import { startGateway, type Gateway } from "../../src/gateway/server.ts";
import { uuidV7 } from "../../src/kernel/id.ts";
import { createLogger } from "../../src/observability/logger.ts";
import type { CallPatience } from "../../src/platforms/calls.ts";
import type { Platform } from "../../src/platforms/platform.ts";
import { Api } from "../e2e/api.ts";
import type { FakeCloud, OpenCloud } from "../fake-cloud/cloud.ts";
import { workerBody } from "../fake-cloud/worker-body.ts";
import { openTestStore, type TestStore } from "../store.ts";

/** The product over one cloud: real Postgres, gateway, control loops, and agents as processes. */
export interface PlatformStack {
  readonly fixture: TestStore;
  readonly api: Api;
  readonly cloud: FakeCloud;
  readonly platform: Platform;
  close(): Promise<void>;
}

const clock = { now: (): number => Date.now() };
/** Short, so that a lost worker is noticed while the test looks. */
const lease = { heartbeatMs: 500, leaseMs: 3_000, reaperIntervalMs: 250 };
const pageSize = 2;

export async function startPlatformStack(
  serverUrl: string,
  openCloud: OpenCloud,
): Promise<PlatformStack> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-platform-"));
  const fixture = await openTestStore(serverUrl);
  const { store } = fixture;
  const logger = createLogger({ level: process.env["TEST_LOG"] === "1" ? "info" : "silent" });
  const startBody = workerBody(join(folder, "machines"));
  const cloud = await openCloud({ now: clock.now, startBody, pageSize });
  const patience: CallPatience = {
    clock,
    random: Math.random,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
  const platform = await cloud.connect(patience);
  const { gateway, blobs } = await openGateway(fixture, folder);
  await store.scaling.set(fixture.deploymentId, {
    maxWorkers: 2,
    // An instance that idles leaves at once, so that the way back to zero can be watched.
    policy: { maxKeepAliveMs: 0, scaleDownCooldownMs: 0 },
  });
  const controller = startController({
    store,
    blobs,
    platforms: [platform],
    desired: [],
    gatewayUrl: gateway.url,
    logger,
    clock,
    lease,
    random: Math.random,
    newId: () => uuidV7(Date.now(), randomBytes(10)),
    mintToken: () => mintToken(randomBytes(32)),
    reconcileIntervalMs: 250,
    scaleIntervalMs: 250,
    electionIntervalMs: 100,
  });
  return {
    fixture,
    api: new Api(gateway.url),
    cloud,
    platform,
    close: async () => {
      await controller.close();
      platform.close?.();
      await cloud.close();
      await gateway.close(0);
      await fixture.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

async function openGateway(
  { store }: TestStore,
  folder: string,
): Promise<{ gateway: Gateway; blobs: Awaited<ReturnType<typeof openFileBlobs>> }> {
  const signingKey = randomBytes(32);
  let gateway: Gateway | undefined;
  const blobs = await openFileBlobs({
    folder: join(folder, "blobs"),
    baseUrl: () => gateway?.url ?? "",
    signingKey,
    clock,
  });
  const started = await startGateway({
    store,
    blobs,
    settings: {
      publicUrl: null,
      trustsLoopback: true,
      limits: defaultLimits,
      lease,
      signedUrlMs: 900_000,
    },
    logger: createLogger({ level: "silent" }),
    clock,
    sealKey: randomBytes(32),
    blobSigningKey: signingKey,
    host: "127.0.0.1",
    port: 0,
  });
  gateway = started;
  return { gateway: started, blobs };
}
