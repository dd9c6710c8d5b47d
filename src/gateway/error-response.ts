import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { HearthError, errorMessage } from "../kernel/errors.ts";
import type { ErrorCode } from "../kernel/error-table.ts";
import type { Logger } from "../observability/logger.ts";

/** The shape of every error body. */
export interface ErrorEnvelope {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>> | null;
  };
}

const requestIdHeader = "X-Comfy-Request-Id";

/** Turns whatever a route throws into the one error shape, and names the request in each answer. */
export function registerErrors(app: FastifyInstance, logger: Logger): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header(requestIdHeader, request.id).header("X-Content-Type-Options", "nosniff");
  });
  app.setErrorHandler((thrown, request, reply) => sendError(thrown, request, reply, logger));
  app.setNotFoundHandler((request, reply) =>
    sendError(
      new HearthError("not_found", { message: `There is no ${request.method} route here` }),
      request,
      reply,
      logger,
    ),
  );
}

function sendError(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): FastifyReply {
  const error = asHearthError(thrown);
  if (error.httpStatus >= 500) {
    const fields = { requestId: request.id, code: error.code, cause: reasonOf(thrown) };
    logger.error(fields, "request failed");
  }
  // The rest of such a body is still on its way; nothing else may come behind it.
  if (error.code === "body_too_large") reply.header("Connection", "close");
  if (error.retryAfterSeconds !== undefined) reply.header("Retry-After", error.retryAfterSeconds);
  return reply.code(error.httpStatus).send(envelopeOf(error));
}

function envelopeOf(error: HearthError): ErrorEnvelope {
  const { code, message, hint, details } = error;
  return { error: { code, message, details: { hint, ...details } } };
}

/** Codes that the HTTP library gives to requests it refuses, as ours. */
const foreignCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "body_too_large",
  FST_REQ_FILE_TOO_LARGE: "body_too_large",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "unsupported_media_type",
  FST_INVALID_MULTIPART_CONTENT_TYPE: "unsupported_media_type",
};

function asHearthError(thrown: unknown): HearthError {
  if (thrown instanceof HearthError) return thrown;
  const { code, statusCode } = (thrown ?? {}) as { code?: string; statusCode?: number };
  const known = code === undefined ? undefined : foreignCodes[code];
  if (known !== undefined) return new HearthError(known, { cause: thrown });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new HearthError("invalid_request", { message: errorMessage(thrown), cause: thrown });
  }
  return new HearthError("upstream_error", { cause: thrown });
}

function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof HearthError ? (thrown.cause ?? thrown) : thrown;
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
