import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { onTestFinished } from "vitest";

import { Egress, type EgressOptions } from "../../src/models/io/egress.ts";
import { defaultPatience, type FetchPatience } from "../../src/models/io/fetch-options.ts";
import { ModelStore, type ModelStoreOptions } from "../../src/models/io/store.ts";
import { createLogger } from "../../src/observability/logger.ts";
import type { ModelFile } from "../../src/workflow/model-ref.ts";

const logger = createLogger({ level: process.env["HEARTH_TEST_LOG"] === "1" ? "debug" : "silent" });

/** Short enough for tests, long enough for a busy machine. */
export const testPatience: FetchPatience = {
  ...defaultPatience,
  slowMs: 10_000,
  maxFailures: 3,
  backoff: { minMs: 5, maxMs: 20 },
};

export interface TestModelStoreOptions extends Partial<ModelStoreOptions> {
  readonly net?: Partial<EgressOptions>;
}

/** A store in a folder of its own, which may reach this machine. */
export async function openModelStore(options: TestModelStoreOptions = {}): Promise<ModelStore> {
  const { net, ...rest } = options;
  const egress = new Egress({
    allow: ["127.0.0.1"],
    tokens: new Map(),
    connectMs: 5_000,
    silenceMs: 10_000,
    ...net,
  });
  onTestFinished(() => egress.close());
  return ModelStore.open({
    folder: rest.folder ?? (await modelsFolder()),
    egress,
    patience: testPatience,
    logger,
    maxBytes: null,
    floorBytes: 0,
    ...rest,
  });
}

/** An empty folder, removed after the test. */
export async function modelsFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-models-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

export function modelFile(url: string, change: Partial<ModelFile> = {}): ModelFile {
  const base = { folder: "checkpoints", filename: "model.safetensors" };
  return { ...base, sha256: null, bytes: null, sources: [url], ...change };
}

export const forever = new AbortController().signal;
