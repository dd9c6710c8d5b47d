import type { FastifyRequest } from "fastify";

import type { GatewayContext } from "../context.ts";

/** Where a request's API begins, as a path from the origin: `""`, `/d/acme`, `/behind/a/proxy`. */
export function mountOf(request: FastifyRequest, context: GatewayContext): string {
  const { deployment } = request.params as { readonly deployment?: string };
  const outer = new URL(context.settings.publicUrl).pathname.replace(/\/$/u, "");
  return deployment === undefined ? outer : `${outer}/d/${deployment}`;
}
