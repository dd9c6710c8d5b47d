import { randomUUID } from "node:crypto";

import fastify, { type FastifyInstance } from "fastify";
import { z } from "zod";

import { registerErrors } from "../../gateway/error-response.ts";
import { readBody, registerJsonBodies } from "../../gateway/json-body.ts";
import { defaultLimits } from "../../gateway/context.ts";
import { HearthError } from "../../kernel/errors.ts";
import { isJsonObject, type JsonObject } from "../../kernel/json.ts";
import type { Logger } from "../../observability/logger.ts";
import { AttemptFailed } from "../../worker/attempt-failed.ts";
import { hasToken } from "../own-server.ts";
import type { DirectRunner } from "./direct.ts";
import { directResult } from "./direct-result.ts";

export interface HttpHandlerOptions {
  readonly direct: DirectRunner;
  /** Undefined: nobody is asked. */
  readonly token: string | undefined;
  readonly logger: Logger;
  /** Aborts what runs. */
  readonly stop: AbortSignal;
}

const workflow = z.custom<JsonObject>(isJsonObject, "must be a workflow in API format");
const requestSchema = z.strictObject({ input: z.strictObject({ workflow }) });
const busySeconds = 5;

/**
 * A worker as an HTTP service: `POST /` or `/run` with `{"input":{"workflow":…}}` runs it here and
 * now, one at a time, and answers as a direct job of RunPod's is answered. Not listening yet.
 */
export function createHttpHandler(options: HttpHandlerOptions): FastifyInstance {
  const { direct, token, logger, stop } = options;
  const app = fastify({ genReqId: () => randomUUID(), bodyLimit: defaultLimits.bodyBytes });
  registerErrors(app, logger);
  registerJsonBodies(app, defaultLimits);
  app.get("/health", async () => ({ status: "ok" }));
  app.addHook("onRequest", async ({ url, headers }) => {
    if (url === "/health" || hasToken(headers.authorization, token)) return;
    throw new HearthError("unauthorized");
  });
  let isBusy = false;
  for (const path of ["/", "/run"]) {
    app.post(path, async (request, reply) => {
      const { input } = readBody(requestSchema, request.body);
      if (isBusy || stop.aborted) throw busy(stop.aborted);
      isBusy = true;
      // Whoever asked and left wants nothing any more.
      const left = new AbortController();
      reply.raw.once("close", () => left.abort());
      try {
        const until = AbortSignal.any([stop, left.signal]);
        return await directResult(direct, request.id, input.workflow, until);
      } catch (thrown) {
        if (!(thrown instanceof AttemptFailed)) throw thrown;
        const { failureClass, error } = thrown.failure;
        reply.code(failureClass === "user" ? 422 : 500);
        return { execution_id: request.id, status: "error", error };
      } finally {
        isBusy = false;
      }
    });
  }
  return app;
}

function busy(isStopping: boolean): HearthError {
  const message = isStopping ? "This worker is stopping." : "This worker runs another workflow.";
  return new HearthError("service_unavailable", { message, retryAfterSeconds: busySeconds });
}
