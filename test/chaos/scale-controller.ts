import { createHash, randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";

import { openFileBlobs } from "../../src/blobs/fs/store.ts";
import { ownCommand } from "../../src/cli/package-paths.ts";
import { startController } from "../../src/control/controller.ts";
import { uuidV7 } from "../../src/kernel/id.ts";
import { createLogger } from "../../src/observability/logger.ts";
import { LocalPlatform } from "../../src/platforms/local/platform.ts";
import type { Platform } from "../../src/platforms/platform.ts";
import { identifyProcess } from "../../src/store/embedded/process-identity.ts";
import { openPostgresStore } from "../../src/store/postgres/store.ts";

/** A controller over the local platform that others on this host share: only the leader uses it. */
const { DATABASE_URL = "", HEARTH_URL = "", CHAOS_FOLDER = "" } = process.env;
const clock = { now: () => Date.now() };
const signingKey = new Uint8Array(32).fill(1);
const local = new LocalPlatform({
  owner: createHash("sha256").update(CHAOS_FOLDER).digest("hex").slice(0, 16),
  folder: join(CHAOS_FOLDER, "workers"),
  command: () => ownCommand("worker", "--gateway", HEARTH_URL),
  environment: process.env,
  clock,
  identify: identifyProcess,
});
const shared: Platform = {
  name: "shared",
  kind: "scripted",
  reach: "everywhere",
  control: local.control,
  capabilities: local.capabilities,
  offer: local.offer,
  startMs: local.startMs,
  launch: (spec) => local.launch(spec),
  terminate: (externalId) => local.terminate(externalId),
  list: () => local.list(),
};
const folder = join(CHAOS_FOLDER, "blobs");
startController({
  store: await openPostgresStore({ connectionString: DATABASE_URL }),
  blobs: await openFileBlobs({ folder, baseUrl: () => HEARTH_URL, signingKey, clock }),
  platforms: [shared],
  desired: [],
  gatewayUrl: HEARTH_URL,
  logger: createLogger({ level: "info" }),
  clock,
  lease: { heartbeatMs: 1_000, leaseMs: 10_000, reaperIntervalMs: 1_000 },
  random: Math.random,
  newId: () => uuidV7(Date.now(), randomBytes(10)),
  mintToken: () => {
    const token = `hw_${randomUUID()}`;
    return { token, tokenHash: createHash("sha256").update(token).digest() };
  },
  scaleIntervalMs: 500,
  reconcileIntervalMs: 500,
  electionIntervalMs: 500,
});
