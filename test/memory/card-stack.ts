import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { openFileBlobs } from "../../src/blobs/fs/store.ts";
import { mintToken } from "../../src/gateway/credentials.ts";
import { defaultLimits } from "../../src/gateway/context.ts";
import { startGateway } from "../../src/gateway/server.ts";
import { createLogger } from "../../src/observability/logger.ts";
import { defaultLeaseTiming } from "../../src/queue/lease.ts";
import { findFreePort } from "../../src/store/embedded/readiness.ts";
import type { Agent } from "../../src/worker/agent.ts";
import type { AgentOptions } from "../../src/worker/agent-options.ts";
import { slotFolder, startSlots } from "../../src/worker/slots.ts";
import { Api } from "../e2e/api.ts";
import type { PretendEngineOptions } from "../fakes/engine-with-models.ts";
import { readJournal, type CardEntry } from "../fakes/pretend-card.ts";
import { openTestStore, type TestStore } from "../store.ts";

export const gib = 1024 ** 3;
const mib = 1024 ** 2;

export interface PretendCardOptions {
  readonly name: string;
  readonly bytes: number;
  readonly slots: number;
}

export interface CardStackOptions {
  readonly cards: readonly PretendCardOptions[];
  /** Checkpoints by file name, in bytes. */
  readonly models: Readonly<Record<string, number>>;
}

export interface CardStack {
  readonly fixture: TestStore;
  readonly api: Api;
  journal(card: string): readonly CardEntry[];
  close(): Promise<void>;
}

/** What a process takes by itself, on the pretend card and in the book. */
const contextBytes = 256 * mib;

/**
 * A gateway over a real database, and workers whose ComfyUIs are processes of the built-in engine
 * that share pretend cards. What the cards saw is in their journals.
 */
export async function startCards(serverUrl: string, options: CardStackOptions): Promise<CardStack> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-cards-"));
  const fixture = await openTestStore(serverUrl);
  const level = process.env["TEST_LOG"] === "1" ? "debug" : "silent";
  const logger = createLogger({ level });
  const clock = { now: () => Date.now() };
  const signingKey = new Uint8Array(32).fill(1);
  let url = "";
  const baseUrl = (): string => url;
  const blobs = await openFileBlobs({ folder: join(folder, "blobs"), baseUrl, signingKey, clock });
  const gateway = await startGateway({
    store: fixture.store,
    blobs,
    settings: {
      publicUrl: null,
      trustsLoopback: true,
      limits: defaultLimits,
      lease: defaultLeaseTiming,
      signedUrlMs: 900_000,
    },
    logger,
    clock,
    sealKey: new Uint8Array(32).fill(2),
    blobSigningKey: signingKey,
    host: "127.0.0.1",
    port: 0,
  });
  url = gateway.url;
  const cardFolder = (name: string): string => join(folder, "cards", name);
  const agents = await Promise.all(
    options.cards.map(async (card) =>
      startCard(card, {
        ...options,
        url,
        folder,
        cardFolder: cardFolder(card.name),
        logger,
        enrollmentToken: await tokenFor(fixture),
      }),
    ),
  );
  await ready(
    fixture,
    options.cards.reduce((sum, { slots }) => sum + slots, 0),
  );
  return {
    fixture,
    api: new Api(url),
    journal: (card) => readJournal(cardFolder(card)),
    close: async () => {
      await Promise.all(agents.map((agent) => agent.stop(0)));
      await gateway.close(0);
      await fixture.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

interface Place extends CardStackOptions {
  readonly url: string;
  readonly folder: string;
  readonly cardFolder: string;
  /** For all slots of the card: one is let in by it, the others by its word. */
  readonly enrollmentToken: string;
  readonly logger: ReturnType<typeof createLogger>;
}

const program = fileURLToPath(new URL("../fakes/engine-with-models.ts", import.meta.url));

async function startCard(card: PretendCardOptions, place: Place): Promise<Agent> {
  const ports = await Promise.all(Array.from({ length: card.slots }, () => findFreePort()));
  return startSlots({
    gatewayUrl: place.url,
    enrollmentToken: place.enrollmentToken,
    name: card.name,
    folder: join(place.folder, card.name),
    logger: place.logger,
    slots: ports.map((port, slot) => target(card, place, port, slot)),
    memory: {
      slotReserveBytes: contextBytes,
      readDriver: () => Promise.resolve(undefined),
      timings: { sampleMs: 50, settleMs: 1_000, lookMs: 20 },
    },
    timings: { healthMs: 500, probeMs: 50 },
  });
}

function target(
  card: PretendCardOptions,
  place: Place,
  port: number,
  slot: number,
): AgentOptions["comfyui"] {
  const folder = slotFolder(join(place.folder, card.name), slot, card.slots);
  const baseDirectory = join(folder, "comfyui");
  const settings: PretendEngineOptions = {
    folder: baseDirectory,
    port,
    cardFolder: place.cardFolder,
    cardBytes: card.bytes,
    process: `${card.name}-${slot}`,
    models: place.models,
    contextBytes,
  };
  const command = [process.execPath, "--no-warnings", program, JSON.stringify(settings)];
  return { kind: "spawn", command, url: `http://127.0.0.1:${port}`, baseDirectory };
}

async function tokenFor({ store, deploymentId }: TestStore): Promise<string> {
  const { token, tokenHash } = mintToken(randomBytes(32));
  await store.workers.createEnrollment({
    tokenHash,
    deploymentId,
    instanceId: null,
    validMs: 60_000,
  });
  return token;
}

async function ready(fixture: TestStore, count: number): Promise<void> {
  for (;;) {
    const workers = await fixture.store.workers.list(fixture.deploymentId);
    if (workers.filter(({ state }) => state === "ready").length >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export interface SampleWish {
  readonly model: string;
  readonly seed: number;
  readonly workingMib?: number;
  readonly steps?: number;
  readonly stepMs?: number;
}

/** A workflow that samples with a checkpoint and saves a small picture. */
export function samplePicture(wish: SampleWish): object {
  const { model, seed, workingMib = 0, steps = 2, stepMs = 0 } = wish;
  const sampling = { seed, working_mib: workingMib, steps, step_ms: stepMs };
  return {
    "1": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: model } },
    "2": { class_type: "PretendSampler", inputs: { model: ["1", 0], ...sampling } },
    "9": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: "card" } },
  };
}
