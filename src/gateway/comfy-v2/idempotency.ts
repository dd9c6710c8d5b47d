import type { FastifyRequest } from "fastify";

import { HearthError } from "../../kernel/errors.ts";

/** The `Idempotency-Key` of a request, or null. Errors: `invalid_request` for an unusable one. */
export function idempotencyKeyOf(request: FastifyRequest): string | null {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return null;
  if (typeof key === "string" && /^[\u0021-\u007e]{1,255}$/u.test(key)) return key;
  const reason = "must be 1 to 255 visible ASCII characters";
  throw new HearthError("invalid_request", {
    message: `Idempotency-Key ${reason}`,
    details: { field: "Idempotency-Key", reason },
  });
}
