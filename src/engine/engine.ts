import type { AddressInfo } from "node:net";
import type { Clock } from "../kernel/clock.ts";
import { processor, type EngineDevice, type FreeRequest } from "./device.ts";
import { ExecutionCache } from "./execution-cache.ts";
import { openFolders } from "./files.ts";
import { createServer } from "./http/server.ts";
import { silentLogger, type EngineLogger } from "./logger.ts";
import type { NodeDefinition } from "./nodes/node.ts";
import { builtInNodes } from "./nodes/registry.ts";
import { PromptWorker } from "./prompt-worker.ts";
import { SocketHub } from "./socket.ts";

export interface EngineOptions {
  /** Default 127.0.0.1. There is no authentication: keep it on the loopback interface. */
  readonly host?: string;
  /** Default 0: the system picks one. */
  readonly port?: number;
  /** The base directory; `input`, `output`, `temp` and `user` are made inside. */
  readonly folder: string;
  readonly logger?: EngineLogger;
  /** Classes beside the built-in ones, or in place of those of the same name. */
  readonly nodes?: readonly NodeDefinition[];
  /** What it runs on; default: the processor. */
  readonly device?: () => EngineDevice;
  /** Called between prompts, when memory is to be given back; results are dropped by then. */
  readonly onFree?: (request: FreeRequest) => void;
}

export interface Engine {
  /** Such as "http://127.0.0.1:8188". */
  readonly url: string;
  readonly port: number;
  /** Ends the running prompt, drops waiting ones and closes all connections. */
  close(): Promise<void>;
}

/**
 * Starts a server that speaks ComfyUI's protocol and runs the built-in, model-free nodes.
 * Errors: those of the file system and of `listen`.
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const logger = options.logger ?? silentLogger;
  const clock: Clock = { now: () => Date.now() };
  const folders = await openFolders(options.folder);
  const registry = new Map(builtInNodes);
  for (const node of options.nodes ?? []) registry.set(node.name, node);
  const device = options.device ?? processor;
  const parts = { registry, folders, cache: new ExecutionCache(), clock };
  const worker = new PromptWorker(parts, logger, options.onFree);
  const hub = new SocketHub({
    queueRemaining: () => worker.remaining,
    runningNode: (clientId) => worker.runningNode(clientId),
  });
  worker.connect(hub);
  const app = await createServer({ worker, registry, folders, clock, device }, hub, logger);
  const host = options.host ?? "127.0.0.1";
  await app.listen({ host, port: options.port ?? 0 });
  const { port } = app.server.address() as AddressInfo;
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  logger.info({ port, nodes: registry.size }, "engine started");
  return {
    url,
    port,
    async close() {
      await worker.close();
      hub.close();
      await app.close();
    },
  };
}
