import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openFileBlobs } from "../../src/blobs/fs/store.ts";
import { startEngine } from "../../src/engine/engine.ts";
import { defaultLimits, type GatewayLimits } from "../../src/gateway/context.ts";
import { startGateway, type Gateway } from "../../src/gateway/server.ts";
import { createLogger } from "../../src/observability/logger.ts";
import { defaultLeaseTiming } from "../../src/queue/lease.ts";
import { startAgent, type Agent } from "../../src/worker/agent.ts";
import { openTestStore, type TestStore } from "../store.ts";

export interface Stack {
  readonly fixture: TestStore;
  readonly gateway: Gateway;
  readonly folder: string;
  /** The ComfyUI behind the worker: the built-in engine or the one given. */
  readonly comfyuiUrl: string;
  close(): Promise<void>;
}

export interface StackOptions {
  /** A real ComfyUI; the built-in engine where absent. */
  readonly comfyuiUrl?: string;
  readonly limits?: Partial<GatewayLimits>;
}

/** Everything that serves a job, in this process: gateway, files, one agent and its ComfyUI. */
export async function startStack(serverUrl: string, options: StackOptions = {}): Promise<Stack> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-stack-"));
  const fixture = await openTestStore(serverUrl);
  const logger = createLogger({ level: process.env.TEST_LOG === "1" ? "info" : "silent" });
  const clock = { now: () => Date.now() };
  const signingKey = new Uint8Array(32).fill(1);
  let gateway: Gateway | undefined;
  const baseUrl = (): string => gateway?.url ?? "";
  const blobs = await openFileBlobs({ folder: join(folder, "blobs"), baseUrl, signingKey, clock });
  const settings = {
    publicUrl: null,
    trustsLoopback: true,
    limits: { ...defaultLimits, ...options.limits },
    lease: defaultLeaseTiming,
    signedUrlMs: 900_000,
  };
  const started = await startGateway({
    store: fixture.store,
    blobs,
    settings,
    logger,
    clock,
    sealKey: new Uint8Array(32).fill(2),
    blobSigningKey: signingKey,
    host: "127.0.0.1",
    port: 0,
  });
  gateway = started;
  const engine =
    options.comfyuiUrl === undefined
      ? await startEngine({ folder: join(folder, "engine") })
      : undefined;
  const comfyuiUrl = options.comfyuiUrl ?? engine?.url ?? "";
  const agent: Agent = startAgent({
    gatewayUrl: started.url,
    name: "stack",
    comfyui: { kind: "attach", url: comfyuiUrl },
    folder: join(folder, "agent"),
    logger,
  });
  return {
    fixture,
    gateway: started,
    folder,
    comfyuiUrl,
    close: async () => {
      await agent.stop(0);
      await started.close(0);
      await engine?.close();
      await fixture.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
