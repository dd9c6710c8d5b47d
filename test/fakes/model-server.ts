import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import { onTestFinished } from "vitest";

import type { KeyPair } from "./loopback-certificate.ts";

/** What a server of model files may do wrong, and how fast it is. */
export interface ModelServerBehaviour {
  readonly hasRanges: boolean;
  readonly etag: string | null;
  /** Answered instead of the file. */
  readonly status: number | undefined;
  readonly bytesPerSecond: number;
  /** The connection is cut after this many bytes of a reply. */
  readonly cutAfterBytes: number;
  /** Nothing more is sent after this many bytes of a reply, and the connection stays. */
  readonly stallAfterBytes: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly latencyMs: number;
}

export interface ServedRange {
  readonly first: number;
  readonly last: number;
  /** What was handed to the connection. */
  sentBytes: number;
  readonly headers: IncomingMessage["headers"];
}

const piece = 64 * 1024;

/** A file behind HTTP on loopback, with the faults that a test chooses at any moment. */
export class ModelServer {
  bytes: Buffer;
  behaviour: ModelServerBehaviour = {
    hasRanges: true,
    etag: '"one"',
    status: undefined,
    bytesPerSecond: Infinity,
    cutAfterBytes: Infinity,
    stallAfterBytes: Infinity,
    headers: {},
    latencyMs: 0,
  };
  readonly requests: ServedRange[] = [];
  /** Called with every request, before it is answered. */
  onRequest: (request: ServedRange) => void = () => undefined;
  private readonly server: Server;
  /** Lets replies go on that have fallen silent. */
  readonly endStalls: () => void;
  private readonly stalls: Promise<void>;

  private readonly scheme: "http" | "https";

  constructor(bytes: Buffer, tls?: KeyPair) {
    this.bytes = bytes;
    this.scheme = tls === undefined ? "http" : "https";
    const { promise, resolve } = Promise.withResolvers<void>();
    [this.stalls, this.endStalls] = [promise, resolve];
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      this.answer(request, response).catch(() => response.destroy());
    };
    this.server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  }

  get url(): string {
    return `${this.scheme}://127.0.0.1:${(this.server.address() as AddressInfo).port}/model.safetensors`;
  }

  get sha256(): string {
    return createHash("sha256").update(this.bytes).digest("hex");
  }

  /** What left the server, headers aside; the one byte that is asked for first is not counted. */
  get sentBytes(): number {
    return this.requests.reduce((sum, { first, last, sentBytes }) => {
      return sum + (first === 0 && last === 0 ? 0 : sentBytes);
    }, 0);
  }

  set(change: Partial<ModelServerBehaviour>): void {
    this.behaviour = { ...this.behaviour, ...change };
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.listen(0, "127.0.0.1", resolve);
    });
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { hasRanges, etag, status, headers, latencyMs } = this.behaviour;
    const total = this.bytes.length;
    const [, from, to] = /^bytes=(\d+)-(\d*)$/u.exec(request.headers.range ?? "") ?? [];
    const ifRange = request.headers["if-range"];
    const isPart = hasRanges && from !== undefined && (ifRange === undefined || ifRange === etag);
    const first = isPart ? Number(from) : 0;
    const last = isPart && to ? Math.min(Number(to), total - 1) : total - 1;
    const served = { first, last, sentBytes: 0, headers: request.headers };
    this.requests.push(served);
    this.onRequest(served);
    if (latencyMs > 0) await delay(latencyMs);
    if (status !== undefined) {
      response.writeHead(status, headers).end();
      return;
    }
    if (hasRanges && from !== undefined && Number(from) >= total) {
      response.writeHead(416, { "content-range": `bytes */${total}` }).end();
      return;
    }
    response.writeHead(isPart ? 206 : 200, {
      "content-length": last - first + 1,
      ...(etag !== null && { etag }),
      ...(isPart && { "content-range": `bytes ${first}-${last}/${total}` }),
      ...headers,
    });
    await this.send(response, served);
  }

  private async send(response: ServerResponse, served: ServedRange): Promise<void> {
    const { bytesPerSecond, cutAfterBytes } = this.behaviour;
    const startMs = performance.now();
    for (let at = served.first; at <= served.last && !response.destroyed;) {
      const sent = at - served.first;
      const { stallAfterBytes } = this.behaviour;
      if (sent >= stallAfterBytes) await this.stalls;
      if (sent >= cutAfterBytes) return void response.destroy();
      const limit = Math.min(piece, cutAfterBytes - sent, stallAfterBytes - sent);
      const chunk = this.bytes.subarray(at, Math.min(at + limit, served.last + 1));
      const dueMs = (sent / bytesPerSecond) * 1_000 - (performance.now() - startMs);
      if (dueMs > 1) await delay(dueMs);
      const isRoom = response.write(chunk);
      at += chunk.length;
      served.sentBytes += chunk.length;
      if (!isRoom && !response.destroyed) await room(response);
    }
    response.end();
  }
}

function room(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      response.off("drain", go).off("close", go);
      resolve();
    };
    response.on("drain", go).on("close", go);
  });
}

/** A running server that ends with the test. */
export async function startModelServer(bytes: Buffer, tls?: KeyPair): Promise<ModelServer> {
  const server = new ModelServer(bytes, tls);
  await server.start();
  onTestFinished(() => server.close());
  return server;
}

/** A safetensors file of exactly `sizeBytes`, with contents that differ everywhere and by `seed`. */
export function safetensorsFile(sizeBytes: number, seed = 1): Buffer {
  const headerBytes = 120;
  const data = sizeBytes - 8 - headerBytes;
  const tensor = { dtype: "U8", shape: [data], data_offsets: [0, data] };
  const file = Buffer.alloc(sizeBytes);
  file.writeBigUInt64LE(BigInt(headerBytes));
  file.write(JSON.stringify({ "model.weight": tensor }).padEnd(headerBytes), 8);
  let state = seed >>> 0 || 1;
  for (let at = 8 + headerBytes; at + 4 <= sizeBytes; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    file.writeInt32LE(state | 0, at);
  }
  return file;
}
