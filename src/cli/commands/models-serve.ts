import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";

import { parseRange } from "../../gateway/range.ts";
import type { ModelStore } from "../../models/io/store.ts";
import { createLogger } from "../../observability/logger.ts";
import { settingsOf, type CommandContext } from "../command-context.ts";
import { aborted, listenForInterrupts } from "../interrupts.ts";
import { openModels } from "../model-store.ts";
import { hasToken, serverToken } from "../own-server.ts";

export interface ServeFlags {
  readonly host: string;
  readonly port: number;
}

const tokenVariable = "HEARTH_MODELS_SERVE_TOKEN";

/** `hearth models serve`: gives this machine's model files to other machines, by hash. */
export async function serveModels(context: CommandContext, flags: ServeFlags): Promise<void> {
  const token = serverToken(tokenVariable, flags.host, context.io.environment);
  const settings = await settingsOf(context);
  const logger = createLogger({ level: settings.logLevel ?? "info" });
  const models = await openModels(settings, context.io, logger);
  const interrupts = listenForInterrupts();
  try {
    const server = await listen(models.store, flags, token);
    const { port } = server.address() as AddressInfo;
    logger.info({ host: flags.host, port }, "serving model files");
    await aborted(interrupts.first);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  } finally {
    interrupts.close();
    await models.close();
  }
}

/** A server of `/<sha256>`, with ranges. Errors: what listening throws. */
export async function listen(
  store: ModelStore,
  { host, port }: ServeFlags,
  token: string | undefined,
): Promise<Server> {
  const server = createServer((request, response) => {
    answer(store, token, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, host, resolve);
  });
  return server;
}

async function answer(
  store: ModelStore,
  token: string | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, sha256] = /^\/([0-9a-f]{64})$/u.exec(request.url ?? "") ?? [];
  if (!hasToken(request.headers.authorization, token)) return void response.writeHead(401).end();
  const path = sha256 === undefined ? undefined : store.layout.blob(sha256);
  const facts = path === undefined ? undefined : await stat(path).catch(() => undefined);
  if (path === undefined || facts === undefined) return void response.writeHead(404).end();
  const range = parseRange(request.headers.range, facts.size);
  if (range === "unsatisfiable") {
    return void response.writeHead(416, { "content-range": `bytes */${facts.size}` }).end();
  }
  const { start, end } = range ?? { start: 0, end: facts.size - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    "content-length": end - start + 1,
    "content-type": "application/octet-stream",
    etag: `"${sha256}"`,
    ...(range && { "content-range": `bytes ${start}-${end}/${facts.size}` }),
  });
  await pipeline(createReadStream(path, { start, end, highWaterMark: 1024 * 1024 }), response);
}
