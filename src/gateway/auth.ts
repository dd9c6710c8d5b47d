import type { FastifyRequest } from "fastify";

import { HearthError } from "../kernel/errors.ts";
import type { ApiKeyRecord, DeploymentRecord, Scope } from "../store/access.ts";
import type { Store } from "../store/store.ts";
import type { NodeCatalogue } from "../store/workers.ts";
import type { Clock } from "../kernel/clock.ts";
import { AccessCache } from "./access-cache.ts";
import type { GatewayContext } from "./context.ts";
import { hashesMatch, parseApiKey } from "./credentials.ts";
import { isTrustedLoopback } from "./loopback.ts";

/** Who asks. */
export interface Caller {
  readonly tenantId: number;
  readonly scopes: readonly Scope[];
  /** Null for a trusted caller from loopback. */
  readonly keyId: string | null;
}

const cacheMs = 3_000;
const touchMs = 60_000;
const queueLengthMs = 1_000;
const everyScope: readonly Scope[] = ["run", "read", "admin"];

/** Look-ups that almost every request needs. */
export class Access {
  readonly trusted: Caller;
  private readonly store: Store;
  private readonly clock: Clock;
  private readonly keys: AccessCache<ApiKeyRecord | undefined>;
  private readonly deployments: AccessCache<DeploymentRecord | undefined>;
  private readonly touched: AccessCache<true>;
  private readonly catalogues: AccessCache<NodeCatalogue | null>;
  private readonly queueLengths: AccessCache<number>;

  constructor(store: Store, clock: Clock, trustedTenantId: number) {
    this.store = store;
    this.clock = clock;
    this.trusted = { tenantId: trustedTenantId, scopes: everyScope, keyId: null };
    this.keys = new AccessCache(clock, cacheMs);
    this.deployments = new AccessCache(clock, cacheMs);
    this.touched = new AccessCache(clock, touchMs);
    this.catalogues = new AccessCache(clock, cacheMs);
    this.queueLengths = new AccessCache(clock, queueLengthMs);
  }

  /** The node classes of a deployment; null until one of its workers has been ready. */
  catalogue(deploymentId: number): Promise<NodeCatalogue | null> {
    const load = (): Promise<NodeCatalogue | null> => this.store.access.nodeCatalogue(deploymentId);
    return this.catalogues.get(String(deploymentId), load);
  }

  /** Queued jobs of a deployment, counted up to its limit. */
  queuedCount({ id, maxQueued }: DeploymentRecord): Promise<number> {
    return this.queueLengths.get(String(id), () => this.store.jobs.queuedCount(id, maxQueued));
  }

  async callerOfKey(text: string): Promise<Caller | undefined> {
    const parsed = parseApiKey(text);
    if (parsed === undefined) return undefined;
    const record = await this.keys.get(parsed.id, () => this.store.access.findApiKey(parsed.id));
    if (record === undefined || !hashesMatch(record.secretHash, parsed.secretHash))
      return undefined;
    const isOver = record.expiresAt !== null && record.expiresAt.getTime() <= this.clock.now();
    if (record.revokedAt !== null || isOver) return undefined;
    void this.touched
      .get(record.id, async () => {
        await this.store.access.touchApiKey(record.id);
        return true;
      })
      .catch(() => undefined);
    return { tenantId: record.tenantId, scopes: record.scopes, keyId: record.id };
  }

  /** The named deployment, or the tenant's default one. */
  deployment(tenantId: number, slug: string | undefined): Promise<DeploymentRecord | undefined> {
    const { access } = this.store;
    return slug === undefined
      ? this.deployments.get(`#${tenantId}`, () => access.defaultDeployment(tenantId))
      : this.deployments.get(slug, () => access.findDeployment(slug));
  }
}

/** Errors: `unauthorized` without a valid key, `forbidden` where the key lacks the scope. */
export async function authenticate(
  request: FastifyRequest,
  context: GatewayContext,
  scope: Scope,
): Promise<Caller> {
  const caller = await callerOf(request, context);
  if (caller === undefined) throw new HearthError("unauthorized");
  if (!caller.scopes.includes(scope)) throw new HearthError("forbidden", { details: { scope } });
  return caller;
}

async function callerOf(
  request: FastifyRequest,
  context: GatewayContext,
): Promise<Caller | undefined> {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const [, token] = /^Bearer +(\S{1,300})$/iu.exec(authorization) ?? [];
    return token === undefined ? undefined : context.access.callerOfKey(token);
  }
  return isTrusted(request, context) ? context.access.trusted : undefined;
}

/** Whether the request comes from this machine's owner and needs no key. */
export function isTrusted(request: FastifyRequest, context: GatewayContext): boolean {
  const { headers } = request;
  return (
    context.settings.trustsLoopback &&
    isTrustedLoopback({
      remoteAddress: request.socket.remoteAddress ?? "",
      hostHeader: headers.host ?? "",
      originHeader: headers.origin,
      isForwarded: headers["x-forwarded-for"] !== undefined || headers.forwarded !== undefined,
    })
  );
}

/**
 * The deployment that a request addresses: the one named by the route's `:deployment` parameter,
 * or the tenant's default. Errors: `deployment_not_found`, also for another tenant's.
 */
export async function resolveDeployment(
  request: FastifyRequest,
  context: GatewayContext,
  caller: Caller,
): Promise<DeploymentRecord> {
  const { deployment: slug } = request.params as { readonly deployment?: string };
  const deployment = await context.access.deployment(caller.tenantId, slug);
  if (deployment === undefined || !mayUse(caller.tenantId, deployment)) {
    throw new HearthError("deployment_not_found", { details: { deployment: slug } });
  }
  return deployment;
}

function mayUse(tenantId: number, deployment: DeploymentRecord): boolean {
  return deployment.tenantId === tenantId || deployment.sharedWith.includes(tenantId);
}
