import type { FastifyInstance } from "fastify";
import type { z } from "zod";

import { HearthError } from "../kernel/errors.ts";
import { parseJson } from "../kernel/json.ts";
import type { GatewayLimits } from "./context.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Routes get JSON bodies already scanned for depth, repeated keys and prototype keys. */
export function registerJsonBodies(app: FastifyInstance, limits: GatewayLimits): void {
  app.removeContentTypeParser(["application/json", "text/plain"]);
  app.addContentTypeParser(
    "application/json",
    { parseAs: "buffer", bodyLimit: limits.bodyBytes },
    async (_request: unknown, body: string | Buffer) => {
      if (body.length === 0) return undefined;
      const parsed = parseJson(decode(body), { maxDepth: limits.jsonDepth });
      if (!parsed.ok) throw parsed.error;
      return parsed.value;
    },
  );
}

function decode(body: string | Buffer): string {
  try {
    return typeof body === "string" ? body : utf8.decode(body);
  } catch (cause) {
    const message = "The body is not valid UTF-8";
    throw new HearthError("invalid_json", { message, details: { reason: "encoding" }, cause });
  }
}

/** Reads a body by its schema. Errors: `invalid_request` naming the first field that is wrong. */
export function readBody<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const unknownKey = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const path = [...(issue?.path ?? []), ...(unknownKey === undefined ? [] : [unknownKey])];
  const field = path.map(String).join(".") || "body";
  const reason = issue?.message ?? "invalid";
  throw new HearthError("invalid_request", {
    message: `${field}: ${reason}`,
    details: { field, reason },
  });
}
