import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import { isJsonObject } from "../kernel/json.ts";
import {
  describedPreview,
  plainPreview,
  serverFeatures,
  statusMessage,
  type Message,
} from "./messages.ts";

/** What clients may send is one small message. */
const maxClientMessageBytes = 64 * 1024;
/** Previews are skipped for a client that is this far behind… */
const maxPreviewBacklogBytes = 4 * 1024 * 1024;
/** …and a client that is this far behind is cut off. */
const maxBacklogBytes = 64 * 1024 * 1024;

interface Client {
  readonly socket: WebSocket;
  wantsPreviewMetadata: boolean;
}

export interface HubState {
  queueRemaining(): number;
  /** The node at work for this client's prompt, if it has one running. */
  runningNode(clientId: string): string | undefined;
}

/** The websocket side: who is connected under which client id. */
export class SocketHub {
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: maxClientMessageBytes,
    perMessageDeflate: false,
  });
  readonly #clients = new Map<string, Client>();
  readonly #state: HubState;

  constructor(state: HubState) {
    this.#state = state;
  }

  /** Takes over a connection that asked for `/ws`. */
  accept(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, stream, head, (socket) => {
      const url = new URL(request.url ?? "/", "http://localhost");
      const given = url.searchParams.get("clientId");
      this.#join(socket, given === null || given === "" ? randomUUID().replaceAll("-", "") : given);
    });
  }

  #join(socket: WebSocket, clientId: string): void {
    const client: Client = { socket, wantsPreviewMetadata: false };
    const replaced = this.#clients.get(clientId);
    this.#clients.set(clientId, client);
    replaced?.socket.close();
    let isFirst = true;
    socket.on("message", (data, isBinary) => {
      if (isFirst && !isBinary) this.#agree(client, data);
      isFirst = false;
    });
    socket.on("error", () => socket.terminate());
    socket.on("close", () => {
      // Only its own entry: a newer socket may have the same id.
      if (this.#clients.get(clientId) === client) this.#clients.delete(clientId);
    });
    send(client, statusMessage(this.#state.queueRemaining(), clientId));
    const node = this.#state.runningNode(clientId);
    if (node !== undefined) send(client, { type: "executing", data: { node } });
  }

  /** Answers the client's feature flags, which count only as its first message. */
  #agree(client: Client, data: RawData): void {
    const message = parse(data);
    if (!isJsonObject(message) || message["type"] !== "feature_flags") return;
    const flags = message["data"];
    client.wantsPreviewMetadata =
      isJsonObject(flags) && flags["supports_preview_metadata"] === true;
    send(client, { type: "feature_flags", data: serverFeatures });
  }

  /** Whether anybody would see messages to this client; all clients without an id. */
  hasListeners(clientId: string | undefined): boolean {
    return clientId === undefined ? this.#clients.size > 0 : this.#clients.has(clientId);
  }

  send(clientId: string, message: Message): void {
    const client = this.#clients.get(clientId);
    if (client !== undefined) send(client, message);
  }

  broadcast(message: Message): void {
    for (const client of this.#clients.values()) send(client, message);
  }

  /** To the client, or to everybody when the prompt came from nobody in particular. */
  sendOrBroadcast(clientId: string | undefined, message: Message): void {
    if (clientId === undefined) this.broadcast(message);
    else this.send(clientId, message);
  }

  preview(clientId: string | undefined, promptId: string, nodeId: string, jpeg: Uint8Array): void {
    const clients =
      clientId === undefined ? [...this.#clients.values()] : [this.#clients.get(clientId)];
    for (const client of clients) {
      if (client === undefined || client.socket.bufferedAmount > maxPreviewBacklogBytes) continue;
      // To everybody goes the plain kind only, as in ComfyUI.
      const frame =
        clientId !== undefined && client.wantsPreviewMetadata
          ? describedPreview(promptId, nodeId, jpeg)
          : plainPreview(jpeg);
      client.socket.send(frame);
    }
  }

  close(): void {
    for (const { socket } of this.#clients.values()) socket.terminate();
    this.#server.close();
  }
}

function send({ socket }: Client, message: Message): void {
  if (socket.bufferedAmount > maxBacklogBytes) socket.terminate();
  else if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
}

function parse(data: RawData): unknown {
  try {
    const bytes = Array.isArray(data) ? Buffer.concat(data) : data;
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
