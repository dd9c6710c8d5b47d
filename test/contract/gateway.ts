import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { BlobStore } from "../../src/blobs/blobs.ts";
import { openFileBlobs } from "../../src/blobs/fs/store.ts";
import { defaultLimits, type GatewayLimits } from "../../src/gateway/context.ts";
import { startGateway, type Gateway } from "../../src/gateway/server.ts";
import { createLogger } from "../../src/observability/logger.ts";
import { defaultLeaseTiming } from "../../src/queue/lease.ts";
import { openTestStore, type TestStore } from "../store.ts";

export interface TestGateway {
  readonly url: string;
  readonly fixture: TestStore;
  readonly blobs: BlobStore;
  readonly folder: string;
  /** Closes the gateway alone; store and files stay. */
  readonly gateway: Gateway;
  close(): Promise<void>;
}

export interface TestGatewayOptions {
  readonly limits?: Partial<GatewayLimits>;
  readonly trustsLoopback?: boolean;
  readonly now?: () => number;
}

/** A real gateway over a real Postgres and a folder of blobs. */
export async function startTestGateway(
  serverUrl: string,
  options: TestGatewayOptions = {},
): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-gateway-"));
  const fixture = await openTestStore(serverUrl);
  const clock = { now: options.now ?? (() => Date.now()) };
  const signingKey = new Uint8Array(32).fill(1);
  let url = "";
  const baseUrl = (): string => url;
  const blobs = await openFileBlobs({ folder: join(folder, "blobs"), baseUrl, signingKey, clock });
  const gateway = await startGateway({
    store: fixture.store,
    blobs,
    settings: {
      publicUrl: null,
      trustsLoopback: options.trustsLoopback ?? true,
      limits: { ...defaultLimits, ...options.limits },
      lease: defaultLeaseTiming,
      signedUrlMs: 900_000,
    },
    logger: createLogger({ level: process.env.TEST_LOG === "1" ? "info" : "silent" }),
    clock,
    sealKey: new Uint8Array(32).fill(2),
    blobSigningKey: signingKey,
    host: "127.0.0.1",
    port: 0,
  });
  ({ url } = gateway);
  return {
    url,
    fixture,
    blobs,
    folder,
    gateway,
    close: async () => {
      await gateway.close(0);
      await fixture.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
