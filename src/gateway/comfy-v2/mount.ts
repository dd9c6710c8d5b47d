import type { FastifyRequest } from "fastify";

import { HearthError } from "../../kernel/errors.ts";
import type { Scope } from "../../store/access.ts";
import { authenticate, resolveDeployment, type Caller } from "../auth.ts";
import type { GatewayContext } from "../context.ts";

/** The deployment named by the path, as in `/d/{deployment}/api/v2/…`; undefined at the root. */
export function mountedDeployment(request: FastifyRequest): string | undefined {
  return (request.params as { readonly deployment?: string }).deployment;
}

/** Where a request's API begins, as a path from the origin: `""`, `/d/acme`, `/behind/a/proxy`. */
export function mountOf(request: FastifyRequest, context: GatewayContext): string {
  const deployment = mountedDeployment(request);
  const outer = new URL(context.settings.publicUrl).pathname.replace(/\/$/u, "");
  return deployment === undefined ? outer : `${outer}/d/${deployment}`;
}

/** Errors: `deployment_not_found` for what cannot be a name, before anybody looks it up. */
export function requireMountName(request: FastifyRequest): void {
  const deployment = mountedDeployment(request);
  if (deployment === undefined || /^[\w.-]{1,63}$/u.test(deployment)) return;
  throw new HearthError("deployment_not_found");
}

/**
 * Knows the caller and, where the path names a deployment, that it is one of theirs. Errors:
 * `unauthorized`, `forbidden`, `deployment_not_found`.
 */
export async function authenticateMounted(
  request: FastifyRequest,
  context: GatewayContext,
  scope: Scope,
): Promise<Caller> {
  const caller = await authenticate(request, context, scope);
  if (mountedDeployment(request) !== undefined) await resolveDeployment(request, context, caller);
  return caller;
}
