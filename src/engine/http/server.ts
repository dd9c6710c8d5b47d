import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import multipart from "@fastify/multipart";
import Fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import { errorMessage } from "../../kernel/errors.ts";
import type { EngineLogger } from "../logger.ts";
import { serverFeatures } from "../messages.ts";
import type { SocketHub } from "../socket.ts";
import { readAllBodies } from "./body.ts";
import { HttpFailure } from "./failure.ts";
import { isForeignOrigin } from "./origin.ts";
import { historyRoutes } from "./routes-history.ts";
import { infoRoutes, logRoutes } from "./routes-info.ts";
import { jobRoutes } from "./routes-jobs.ts";
import { promptRoutes } from "./routes-prompt.ts";
import { queueRoutes } from "./routes-queue.ts";
import { uploadRoutes } from "./routes-upload.ts";
import { userRoutes } from "./routes-user.ts";
import { viewRoutes } from "./routes-view.ts";
import type { EngineState } from "./state.ts";

const maxBodyBytes = serverFeatures.max_upload_size;

/** ComfyUI's HTTP surface, ready to listen. */
export async function createServer(
  state: EngineState,
  hub: SocketHub,
  logger: EngineLogger,
): Promise<FastifyInstance> {
  const app = Fastify({
    bodyLimit: maxBodyBytes,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1000 },
  });
  readAllBodies(app);
  await app.register(multipart, {
    // Paths in file names are refused, not cut down to something else.
    preservePath: true,
    limits: { fileSize: maxBodyBytes, files: 4, fields: 20, fieldSize: 64 * 1024 },
  });
  app.addHook("onRequest", async (request, reply) => {
    if (isForeignOrigin(request.headers)) await reply.code(403).send();
  });
  app.setErrorHandler((error, _request, reply) => refuse(error, reply, logger));
  app.setNotFoundHandler((_request, reply) => reply.code(404).send());

  // Every route answers under both names, as in ComfyUI.
  const routes = [historyRoutes, infoRoutes, promptRoutes, queueRoutes];
  routes.push(uploadRoutes, userRoutes, viewRoutes);
  for (const prefix of ["/", "/api"]) {
    await app.register(
      async (scope) => {
        for (const add of routes) add(scope, state);
      },
      { prefix },
    );
  }
  jobRoutes(app, state);
  logRoutes(app);

  app.server.on("upgrade", (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const path = (request.url ?? "").split("?")[0];
    if ((path === "/ws" || path === "/api/ws") && !isForeignOrigin(request.headers)) {
      hub.accept(request, stream, head);
    } else {
      stream.end(`HTTP/1.1 ${path?.endsWith("/ws") === true ? 403 : 404} Refused\r\n\r\n`);
    }
  });
  return app;
}

function refuse(error: unknown, reply: FastifyReply, logger: EngineLogger): FastifyReply {
  if (error instanceof HttpFailure) {
    return reply.code(error.status).send({ error: error.message });
  }
  const status = statusOf(error);
  if (status === 413) {
    return reply.code(413).send(`Maximum request body size ${maxBodyBytes} exceeded.`);
  }
  if (status < 500) return reply.code(status).send({ error: errorMessage(error) });
  logger.error({ error: errorMessage(error) }, "a request failed");
  return reply.code(500).send("500 Internal Server Error\n\nServer got itself in trouble");
}

function statusOf(error: unknown): number {
  if (error instanceof Error && "statusCode" in error && typeof error.statusCode === "number") {
    return error.statusCode;
  }
  return 500;
}
