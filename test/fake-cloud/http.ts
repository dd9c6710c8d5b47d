import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

export interface FakeReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The answer never arrives, whatever has been done. */
  readonly isLost?: boolean;
}

export interface FakeServer {
  readonly url: string;
  readonly requestCount: number;
  close(): Promise<void>;
}

/** Serves JSON on loopback. What the handler throws is a defect of the fake and answers 500. */
export async function serveJson(
  handle: (request: FakeRequest) => FakeReply | Promise<FakeReply>,
  tls?: { readonly key: string; readonly cert: string },
): Promise<FakeServer> {
  let requestCount = 0;
  const listener = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    requestCount++;
    const { pathname, searchParams } = new URL(incoming.url ?? "/", "http://fake");
    const raw = await text(incoming);
    const { method = "GET", headers } = incoming;
    const body: unknown = raw === "" ? undefined : JSON.parse(raw);
    let reply: FakeReply;
    try {
      reply = await handle({ method, path: pathname, query: searchParams, headers, body });
    } catch (thrown) {
      console.error("fake cloud:", thrown);
      reply = { status: 500, body: { message: String(thrown) } };
    }
    if (reply.isLost === true) {
      outgoing.destroy();
      return;
    }
    outgoing.writeHead(reply.status, { "content-type": "application/json", ...reply.headers });
    outgoing.end(reply.body === undefined ? "" : JSON.stringify(reply.body));
  };
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse): void =>
    void listener(incoming, outgoing);
  const server: Server = tls ? createTlsServer(tls, onRequest) : createServer(onRequest);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${port}`,
    get requestCount() {
      return requestCount;
    },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
