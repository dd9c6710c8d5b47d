import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Context,
} from "aws-lambda";

type Handler = (
  event: APIGatewayProxyEventV2,
  context: Context,
) => Promise<APIGatewayProxyStructuredResultV2>;

export interface ApiGateway {
  readonly url: string;
  close(): Promise<void>;
}

/** What an invocation may carry, either way. */
const maxPayloadBytes = 6 * 1024 * 1024;

/**
 * An HTTP API of API Gateway as its clients see it: every request becomes an event of payload format
 * 2.0, every result a reply, delivered whole.
 */
export async function startApiGateway(handler: () => Handler): Promise<ApiGateway> {
  const server = createServer((request, response) => {
    void answer(handler(), request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  handler: Handler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const event = eventOf(request, await buffer(request));
    if (JSON.stringify(event).length > maxPayloadBytes) {
      response.writeHead(413).end();
      return;
    }
    const result = await handler(event, { awsRequestId: randomUUID() } as Context);
    const body = Buffer.from(
      result.body ?? "",
      result.isBase64Encoded === true ? "base64" : "utf8",
    );
    const headers = Object.entries(result.headers ?? {}).map(
      ([name, value]) => [name, String(value)] as const,
    );
    // API Gateway speaks for the connection itself.
    const own = headers.filter(([name]) => !/^(?:connection|transfer-encoding)$/iu.test(name));
    response.writeHead(result.statusCode ?? 200, Object.fromEntries(own)).end(body);
  } catch (thrown) {
    response.writeHead(502).end(String(thrown));
  }
}

function eventOf(request: IncomingMessage, body: Buffer): APIGatewayProxyEventV2 {
  const { pathname, search, searchParams } = new URL(request.url ?? "/", "http://api");
  const headers = Object.entries(request.headers).map(
    ([name, value]) => [name, Array.isArray(value) ? value.join(",") : (value ?? "")] as const,
  );
  const method = request.method ?? "GET";
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers: Object.fromEntries(headers),
    queryStringParameters: Object.fromEntries(searchParams),
    requestContext: {
      accountId: "123456789012",
      apiId: "api",
      domainName: "api.execute-api.us-east-1.amazonaws.com",
      domainPrefix: "api",
      http: {
        method,
        path: pathname,
        protocol: "HTTP/1.1",
        sourceIp: "203.0.113.7",
        userAgent: request.headers["user-agent"] ?? "",
      },
      requestId: randomUUID(),
      routeKey: "$default",
      stage: "$default",
      time: new Date().toISOString(),
      timeEpoch: Date.now(),
    },
    ...(body.length > 0 && { body: body.toString("base64") }),
    isBase64Encoded: body.length > 0,
  };
}
