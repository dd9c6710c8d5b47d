import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { onTestFinished } from "vitest";

import { createLogger } from "../../src/observability/logger.ts";
import type { AgentTimings } from "../../src/worker/agent-options.ts";
import { startAgent, type Agent, type AgentOptions } from "../../src/worker/agent.ts";
import type { ComfyFaults } from "./comfyui-faults.ts";
import { FakeComfy } from "./comfyui.ts";
import { FakeGateway, type FakeGatewayOptions } from "./gateway.ts";

export interface StackOptions {
  readonly gateway?: FakeGatewayOptions;
  readonly faults?: Partial<ComfyFaults>;
  readonly timings?: Partial<AgentTimings>;
  readonly agent?: Partial<AgentOptions>;
  /** Before a spawned ComfyUI opens its port. */
  readonly startMs?: number;
}

/** Short enough for tests, long enough for a busy machine. */
const testTimings: Partial<AgentTimings> = {
  retryMinMs: 10,
  retryMaxMs: 100,
  claimWaitMs: 5_000,
  probeMs: 50,
  healthMs: 200,
  restartMinMs: 20,
  restartMaxMs: 200,
  killMs: 2_000,
  silenceMs: 100,
  historyMs: 1_000,
  reconnectSilentMs: 1_000,
  cancelRepeatMs: 50,
  cancelMs: 2_000,
  unreachableMs: 1_000,
  reportMs: 50,
};

const logger = createLogger({ level: process.env["HEARTH_TEST_LOG"] === "1" ? "debug" : "silent" });

export interface WorkerStack {
  readonly gateway: FakeGateway;
  readonly agent: Agent;
  readonly folder: string;
}

/** A gateway, a ComfyUI that was there before, and an agent between them; all end with the test. */
export async function attachedStack(
  options: StackOptions = {},
): Promise<WorkerStack & { readonly comfy: FakeComfy }> {
  const folder = await temporaryFolder();
  const comfy = new FakeComfy({ folder: join(folder, "comfy"), ...options });
  await comfy.start();
  onTestFinished(() => comfy.close());
  const gateway = await startGateway(options);
  const agent = agentFor(gateway, { kind: "attach", url: comfy.url }, folder, options);
  return { gateway, comfy, agent, folder };
}

/** The same with a ComfyUI that the agent starts as a process of its own. */
export async function spawnedStack(
  options: StackOptions = {},
): Promise<WorkerStack & { readonly comfyUrl: string; readonly baseDirectory: string }> {
  const folder = await temporaryFolder();
  const gateway = await startGateway(options);
  const port = await freePort();
  const baseDirectory = join(folder, "comfy");
  const { faults, startMs } = options;
  const program = fileURLToPath(new URL("comfyui-process.ts", import.meta.url));
  const settings = JSON.stringify({ folder: baseDirectory, port, faults, startMs });
  const command = [process.execPath, "--no-warnings", program, settings];
  const comfyUrl = `http://127.0.0.1:${port}`;
  const target = { kind: "spawn", command, url: comfyUrl, baseDirectory } as const;
  const agent = agentFor(gateway, target, folder, options);
  return { gateway, agent, folder, comfyUrl, baseDirectory };
}

export async function startGateway(options: StackOptions = {}): Promise<FakeGateway> {
  const gateway = new FakeGateway(options.gateway);
  await gateway.start();
  onTestFinished(() => gateway.close());
  return gateway;
}

export function agentFor(
  gateway: FakeGateway,
  comfyui: AgentOptions["comfyui"],
  folder: string,
  options: StackOptions = {},
): Agent {
  const agent = startAgent({
    gatewayUrl: gateway.url,
    name: "test worker",
    comfyui,
    folder: join(folder, "agent"),
    logger,
    timings: { ...testTimings, ...options.timings },
    ...options.agent,
  });
  onTestFinished(() => agent.stop(0));
  return agent;
}

/** An empty folder, removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-worker-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** A port that was free a moment ago; who is to listen there must be told before. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Makes a spawned fake do something wrong from now on. */
export async function setFaults(comfyUrl: string, faults: Partial<ComfyFaults>): Promise<void> {
  await fetch(`${comfyUrl}/fault`, { method: "POST", body: JSON.stringify(faults) });
}

/** Some work, then a picture. */
export function pictureWorkflow(
  work: { steps?: number; step_ms?: number; seed?: number } = {},
  save: Record<string, string | number> = {},
): Record<string, unknown> {
  return {
    "1": { class_type: "Work", inputs: { steps: 2, step_ms: 1, ...work } },
    "2": { class_type: "SaveImage", inputs: { source: ["1", 0], ...save } },
  };
}
