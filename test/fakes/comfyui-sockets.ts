import type { Server } from "node:http";

import { WebSocketServer, type WebSocket } from "ws";

/** The websockets of a fake ComfyUI by client id; as there, the latest of an id gets the messages. */
export class FakeSockets {
  private readonly server: WebSocketServer;
  private readonly byClient = new Map<string, WebSocket>();
  private readonly flagged = new WeakSet<WebSocket>();
  isSilent = false;
  /** How many connections there were. */
  connections = 0;

  constructor(http: Server, onConnect: (clientId: string) => void) {
    this.server = new WebSocketServer({ server: http, path: "/ws" });
    this.server.on("error", () => undefined);
    this.server.on("connection", (socket, request) => {
      const clientId = new URL(request.url ?? "", "http://fake").searchParams.get("clientId") ?? "";
      this.connections++;
      this.byClient.set(clientId, socket);
      socket.on("error", () => undefined);
      socket.on("message", (data: Buffer) => {
        if (data.toString().includes("supports_preview_metadata")) this.flagged.add(socket);
      });
      socket.on("close", () => {
        if (this.byClient.get(clientId) === socket) this.byClient.delete(clientId);
      });
      this.send(clientId, "status", {
        status: { exec_info: { queue_remaining: 0 } },
        sid: clientId,
      });
      onConnect(clientId);
    });
  }

  send(clientId: string, type: string, data: unknown): void {
    if (!this.isSilent) this.byClient.get(clientId)?.send(JSON.stringify({ type, data }));
  }

  /** A preview of type 4 for a client that asked for it, else of type 1. */
  sendPreview(clientId: string, promptId: string, nodeId: string, image: Buffer): void {
    const socket = this.byClient.get(clientId);
    if (socket === undefined || this.isSilent) return;
    const head = Buffer.alloc(8);
    if (!this.flagged.has(socket)) {
      head.writeUInt32BE(1, 0);
      head.writeUInt32BE(1, 4);
      socket.send(Buffer.concat([head, image]));
      return;
    }
    const metadata = {
      node_id: nodeId,
      display_node_id: nodeId,
      prompt_id: promptId,
      image_type: "image/jpeg",
    };
    const json = Buffer.from(JSON.stringify(metadata));
    head.writeUInt32BE(4, 0);
    head.writeUInt32BE(json.length, 4);
    socket.send(Buffer.concat([head, json, image]));
  }

  cut(): void {
    for (const socket of this.server.clients) socket.terminate();
  }

  close(): void {
    this.cut();
    this.server.close();
  }
}
