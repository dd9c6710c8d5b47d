import { randomUUID } from "node:crypto";

import { WebSocket, type RawData } from "ws";

import { pause } from "../retry.ts";
import { parseBinaryFrame, parseTextFrame, type ComfyEvent } from "./frames.ts";

export interface SocketOptions {
  /** The HTTP base URL of the server. */
  readonly baseUrl: string;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  /** How long a server may take to say goodbye before the connection is cut. */
  readonly closeMs: number;
}

const maxFrameBytes = 128 * 1024 * 1024;

/**
 * The websocket of one ComfyUI: it connects again whenever it is lost. What it says is a hint; it
 * may be silent, repeat itself or be wrong, and nobody may depend on it.
 */
export class ComfySocket {
  private readonly options: SocketOptions;
  private readonly closing = new AbortController();
  private running: Promise<void> | undefined;
  private id: string = randomUUID();
  private socket: WebSocket | undefined;
  private hasGreeted = false;
  private readonly listeners = new Set<(event: ComfyEvent) => void>();
  private readonly opened: Promise<void>;
  private markOpened: () => void = () => undefined;

  constructor(options: SocketOptions) {
    this.options = options;
    this.opened = new Promise((resolve) => {
      this.markOpened = resolve;
    });
  }

  /** Whether the present connection has said anything; a server greets each one. */
  get isAlive(): boolean {
    return this.hasGreeted;
  }

  /** Under which a prompt must be submitted for its messages to come here. */
  get clientId(): string {
    return this.id;
  }

  /** Connects, and waits for that at most `timeoutMs`: a server may do without. */
  async open(timeoutMs: number): Promise<void> {
    this.running ??= this.run();
    const patience = new AbortController();
    const signal = AbortSignal.any([patience.signal, this.closing.signal]);
    const waited = pause(timeoutMs, signal).catch(() => undefined);
    await Promise.race([this.opened, waited]);
    patience.abort();
  }

  /**
   * Hears every event from now on, until the returned function is called. What names no prompt is
   * for whoever has listened longest: prompts run in their order.
   */
  listen(listener: (event: ComfyEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Closes the connection fully and opens another. A running prompt's messages go to the id that
   * submitted it, so only an idle socket may change its own.
   */
  async renew(keeps: "id" | "nothing"): Promise<void> {
    if (keeps === "nothing") this.id = randomUUID();
    await this.closeSocket();
  }

  async close(): Promise<void> {
    this.closing.abort(new Error("closed"));
    this.listeners.clear();
    await this.closeSocket();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    let waitMs = this.options.reconnectMinMs;
    while (!signal.aborted) {
      const wasOpen = await this.connectOnce();
      waitMs = wasOpen
        ? this.options.reconnectMinMs
        : Math.min(this.options.reconnectMaxMs, waitMs * 2);
      await pause(waitMs, signal).catch(() => undefined);
    }
  }

  /** One connection from start to end; whether it was ever open. Never rejects. */
  private connectOnce(): Promise<boolean> {
    const url = `${this.options.baseUrl.replace(/^http/u, "ws")}/ws?clientId=${this.id}`;
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: maxFrameBytes,
      handshakeTimeout: 10_000,
    });
    this.socket = socket;
    this.hasGreeted = false;
    return new Promise((resolve) => {
      let wasOpen = false;
      socket.on("open", () => {
        wasOpen = true;
        // Must be the first message: previews then say which job they belong to.
        const flags = { supports_preview_metadata: true };
        socket.send(JSON.stringify({ type: "feature_flags", data: flags }));
        this.markOpened();
      });
      socket.on("message", (data, isBinary) => this.hear(data, isBinary));
      socket.on("error", () => undefined);
      socket.on("close", () => {
        if (this.socket === socket) this.socket = undefined;
        resolve(wasOpen);
      });
    });
  }

  private hear(data: RawData, isBinary: boolean): void {
    this.hasGreeted = true;
    if (this.listeners.size === 0) return;
    const bytes = data instanceof ArrayBuffer ? Buffer.from(data) : flat(data);
    const event = isBinary ? parseBinaryFrame(bytes) : parseTextFrame(bytes.toString("utf8"));
    if (event === undefined) return;
    for (const listener of this.listeners) {
      listener(event);
      if (event.promptId === null) return;
    }
  }

  private async closeSocket(): Promise<void> {
    const { socket } = this;
    if (socket === undefined) return;
    const closed = new Promise<void>((resolve) => {
      socket.once("close", () => resolve());
    });
    const patience = setTimeout(() => socket.terminate(), this.options.closeMs);
    socket.close();
    await closed;
    clearTimeout(patience);
  }
}

function flat(data: Buffer | Buffer[]): Buffer {
  return Array.isArray(data) ? Buffer.concat(data) : data;
}
