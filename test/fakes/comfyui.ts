import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { mkdir, readFile, stat } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { noFaults, strikes, type ComfyFaults } from "./comfyui-faults.ts";
import { FakeQueue } from "./comfyui-queue.ts";
import { objectInfo, readBody, reply, systemStats, upload } from "./comfyui-http.ts";
import { runFakePrompt, type FakeNode } from "./comfyui-run.ts";
import { FakeSockets } from "./comfyui-sockets.ts";

export interface FakeComfyOptions {
  /** Its input, output and temp folders are made inside. */
  readonly folder: string;
  readonly port?: number;
  /** Before the port opens. */
  readonly startMs?: number;
  readonly faults?: Partial<ComfyFaults>;
  /** What a crash does; default: the server vanishes from its port. */
  readonly crash?: () => void;
}

/**
 * A test double with ComfyUI's protocol and the faults that tests choose. Its nodes: `Work` does
 * `steps` of `step_ms`, `LoadImage` reads a file, `Save…` and `Preview…` write one.
 */
export class FakeComfy {
  readonly faults: ComfyFaults;
  /** The body of every POST /prompt. */
  readonly submissions: Record<string, unknown>[] = [];
  /** Of every run, the nodes that were not run again. */
  readonly cachedNodes: (readonly string[])[] = [];
  /** The path of every other POST, in order. */
  readonly posts: string[] = [];
  readonly folder: string;
  private readonly options: FakeComfyOptions;
  private server: Server | undefined;
  private sockets: FakeSockets | undefined;
  private queue = new FakeQueue();
  private readonly cache = new Map<string, Record<string, unknown>>();
  private freesCache = false;
  private outputs = 0;
  private knownPort: number;
  private historyHeld: Promise<void> | undefined;

  constructor(options: FakeComfyOptions) {
    this.options = options;
    this.folder = options.folder;
    this.faults = { ...noFaults(), ...options.faults };
    this.knownPort = options.port ?? 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.knownPort}`;
  }

  get isBusy(): boolean {
    return this.queue.running !== undefined;
  }

  get connections(): number {
    return this.sockets?.connections ?? 0;
  }

  /** Listens, on the same port as the last time if there was one. */
  async start(): Promise<void> {
    const { folder, startMs = 0 } = this.options;
    for (const name of ["input", "output", "temp"]) {
      await mkdir(join(folder, name), { recursive: true });
    }
    await delay(startMs);
    const server = createServer((request, response) => {
      this.handle(request, response).catch((thrown: unknown) => {
        response.writeHead(500).end(String(thrown));
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(this.knownPort, "127.0.0.1", resolve);
    });
    this.knownPort = (server.address() as AddressInfo).port;
    this.server = server;
    const sockets = new FakeSockets(server, (clientId) => {
      sockets.isSilent = this.faults.silentSocket;
      const { running } = this.queue;
      if (running?.clientId === clientId) sockets.send(clientId, "executing", { node: "1" });
    });
    sockets.isSilent = this.faults.silentSocket;
    this.sockets = sockets;
  }

  /** From now on answers nothing about what came of a prompt, until the returned function is called. */
  holdHistory(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.historyHeld = promise;
    return () => {
      this.historyHeld = undefined;
      resolve();
    };
  }

  /** Vanishes with everything that it had in memory. */
  crash(): void {
    this.sockets?.close();
    this.server?.closeAllConnections();
    this.server?.close();
    this.server = undefined;
    this.queue = new FakeQueue();
    this.cache.clear();
  }

  close(): void {
    this.crash();
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://fake");
    const path = url.pathname;
    const { method } = request;
    const body = method === "POST" ? await readBody(request) : Buffer.alloc(0);
    if (method === "POST") {
      if (path !== "/prompt") this.posts.push(path);
      return this.post(path, request, response, body);
    }
    if (path === "/system_stats") return reply(response, 200, systemStats);
    if (path === "/object_info") return reply(response, 200, objectInfo);
    if (path === "/queue") return reply(response, 200, this.queue.places());
    if (path.startsWith("/history/")) {
      await this.historyHeld;
      return reply(response, 200, this.queue.entry(path.slice(9)));
    }
    if (path === "/view") return this.view(url.searchParams, response);
    reply(response, 404, {});
  }

  private async post(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
  ): Promise<void> {
    if (path === "/upload/image") return upload(this.folder, request, body, response);
    const json = JSON.parse(body.toString()) as Record<string, unknown>;
    if (path === "/fault") {
      Object.assign(this.faults, json);
      return reply(response, 200, {});
    }
    if (path === "/prompt") return this.submit(json, response);
    const cancel = /^\/api\/jobs\/([^/]+)\/cancel$/u.exec(path);
    if (cancel?.[1] !== undefined && !this.faults.hasNoCancelRoute) {
      return reply(response, 200, { cancelled: this.cancel(cancel[1]) });
    }
    if (path === "/queue")
      for (const id of (json["delete"] ?? []) as string[]) this.queue.dequeue(id);
    else if (path === "/interrupt") this.queue.interrupt(String(json["prompt_id"]));
    else if (path === "/free") this.free(json["free_memory"] === true);
    else return reply(response, 404, {});
    reply(response, 200, undefined);
  }

  private async submit(body: Record<string, unknown>, response: ServerResponse): Promise<void> {
    this.submissions.push(body);
    const workflow = body["prompt"] as Record<string, FakeNode>;
    const promptId = String(body["prompt_id"]);
    for (const [id, node] of Object.entries(workflow)) {
      const rejection = await this.rejection(id, node);
      if (rejection !== undefined) return reply(response, 400, rejection);
    }
    const clientId = String(body["client_id"]);
    const extraData = (body["extra_data"] ?? {}) as Record<string, unknown>;
    this.queue.add({ promptId, clientId, workflow, extraData, isInterrupted: false });
    this.runNext();
    if (strikes(this.faults, "lostReplies")) {
      response.destroy();
      return;
    }
    reply(response, 200, {
      prompt_id: promptId,
      number: 1,
      node_errors: this.faults.nodeErrors ?? {},
    });
  }

  private async rejection(id: string, { class_type: name, inputs }: FakeNode) {
    if (!Object.hasOwn(objectInfo, name)) {
      const message = `Node '${name}' not found.`;
      const extra = { node_id: id, class_type: name };
      const error = { type: "missing_node_type", message, details: "", extra_info: extra };
      return { error, node_errors: {} };
    }
    const [file, details] = fileOf(name, inputs);
    if (file === undefined) return undefined;
    const found = await stat(join(this.folder, ...file)).catch(() => undefined);
    if (found !== undefined) return undefined;
    const one = { type: "custom_validation_failed", message: "Custom validation failed", details };
    return {
      error: { type: "prompt_outputs_failed_validation", message: "no", details: "" },
      node_errors: { [id]: { errors: [one], dependent_outputs: [], class_type: name } },
    };
  }

  private runNext(): void {
    const { sockets, queue } = this;
    const next = sockets && queue.takeNext();
    if (next === undefined || sockets === undefined) return;
    void (async () => {
      const result = await runFakePrompt(
        {
          folder: this.folder,
          faults: this.faults,
          sockets,
          cache: this.cache,
          onCached: (nodes) => this.cachedNodes.push(nodes),
          nextNumber: () => ++this.outputs,
          crash: this.options.crash ?? (() => this.crash()),
        },
        next,
      );
      if (queue !== this.queue) return;
      queue.end(next, result);
      sockets.send(next.clientId, "executing", { node: null, prompt_id: next.promptId });
      this.applyFree();
      this.runNext();
    })();
  }

  private cancel(promptId: string): boolean {
    if (strikes(this.faults, "lostCancels")) return true;
    return this.queue.dequeue(promptId) || this.queue.interrupt(promptId);
  }

  private free(isCacheToo: boolean): void {
    this.freesCache ||= isCacheToo;
    if (!this.isBusy) this.applyFree();
  }

  private applyFree(): void {
    if (this.freesCache) this.cache.clear();
    this.freesCache = false;
  }

  private async view(query: URLSearchParams, response: ServerResponse): Promise<void> {
    const [type, subfolder, filename] = ["type", "subfolder", "filename"].map(
      (name) => query.get(name) ?? "",
    );
    const path = join(this.folder, type ?? "", subfolder ?? "", filename ?? "");
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes === undefined) return reply(response, 404, {});
    response.writeHead(200, { "content-length": bytes.length }).end(bytes);
  }
}

/** The file that a node cannot do without, and what is said when it is missing. */
function fileOf(
  name: string,
  { image, ckpt_name: checkpoint, vae_name: vae }: FakeNode["inputs"],
): readonly [file: readonly string[] | undefined, details: string] {
  if (name === "LoadImage") {
    return [["input", String(image)], `image - Invalid image file: ${String(image)}`];
  }
  const model = name === "VAELoader" ? ["vae", vae] : ["checkpoints", checkpoint];
  if (!name.endsWith("Loader") && !name.endsWith("LoaderSimple")) return [undefined, ""];
  return [["models", ...model.map(String)], `${String(model[1])} not in list`];
}
