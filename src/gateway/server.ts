import multipart from "@fastify/multipart";
import fastify, { type FastifyInstance } from "fastify";

import type { BlobStore } from "../blobs/blobs.ts";
import type { Clock } from "../kernel/clock.ts";
import { HearthError, errorMessage } from "../kernel/errors.ts";
import { uuidV7 } from "../kernel/id.ts";
import type { Logger } from "../observability/logger.ts";
import type { Store } from "../store/store.ts";
import { registerAdmin } from "./admin/routes.ts";
import { Access } from "./auth.ts";
import { registerBlobRoutes } from "./blob-routes.ts";
import { StreamSlots } from "./comfy-v2/events.ts";
import { registerComfyV2 } from "./comfy-v2/routes.ts";
import type { GatewayContext, GatewaySettings } from "./context.ts";
import { createDispatch, type Dispatch } from "./dispatch/dispatch.ts";
import { Placements } from "./dispatch/placements.ts";
import { Endings } from "./endings.ts";
import { registerErrors } from "./error-response.ts";
import { registerJsonBodies } from "./json-body.ts";
import { isLoopbackHost } from "./loopback.ts";
import { createRandomPool } from "./random-pool.ts";
import { createSeal } from "./seal.ts";
import { TenantGate } from "./tenant-gate.ts";
import { registerWorkerLink } from "./worker-link/routes.ts";

/** What any gateway needs, wherever its requests come from. */
export interface GatewayParts {
  readonly store: Store;
  readonly blobs: BlobStore;
  /** Without a `publicUrl` of its own, the gateway is known by the address it listens on. */
  readonly settings: Omit<GatewaySettings, "publicUrl"> & { readonly publicUrl: string | null };
  readonly logger: Logger;
  readonly clock: Clock;
  /** 32 bytes that seal per-prompt credentials in the database; the same on every gateway. */
  readonly sealKey: Uint8Array;
  /** Signs this gateway's own blob URLs; null where the object store signs its URLs itself. */
  readonly blobSigningKey: Uint8Array | null;
}

export interface GatewayOptions extends GatewayParts {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface Gateway {
  readonly url: string;
  readonly port: number;
  /** Ends long polls and streams, lets running requests finish for `graceMs`, then closes. */
  close(graceMs?: number): Promise<void>;
}

export interface UnboundGateway {
  readonly app: FastifyInstance;
  close(): Promise<void>;
}

/**
 * The same APIs without a port, for a host that brings the requests itself. It takes nobody without
 * a key. Errors: `bind_refused` while there is none.
 */
export async function openGateway(
  parts: GatewayParts & { readonly settings: GatewaySettings },
): Promise<UnboundGateway> {
  await requireKey(parts.store, "a function");
  const shutdown = new AbortController();
  const settings = { ...parts.settings, trustsLoopback: false };
  const { context, dispatch } = await createContext(
    { ...parts, settings },
    { url: settings.publicUrl },
    shutdown.signal,
  );
  const app = await createApp(context, parts.blobSigningKey);
  return {
    app,
    close: async () => {
      shutdown.abort();
      const dispatched = dispatch.close();
      await app.close();
      await dispatched;
    },
  };
}

async function requireKey(store: Store, host: string): Promise<void> {
  if (await store.access.hasActiveApiKey()) return;
  throw new HearthError("bind_refused", { details: { host } });
}

/** Serves every API. Errors: `bind_refused` beyond loopback while there is no API key. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { store, host, logger } = options;
  if (!isLoopbackHost(host)) await requireKey(store, host);
  const shutdown = new AbortController();
  const listening = { url: "" };
  const trustsLoopback = options.settings.trustsLoopback && isLoopbackHost(host);
  const parts = { ...options, settings: { ...options.settings, trustsLoopback } };
  const { context, dispatch } = await createContext(parts, listening, shutdown.signal);
  const app = await createApp(context, options.blobSigningKey);
  try {
    await app.listen({ host, port: options.port });
  } catch (cause) {
    await dispatch.close();
    const message = `Cannot listen on ${host}:${options.port}: ${errorMessage(cause)}`;
    throw new HearthError("config_invalid", { message, cause });
  }
  const address = app.server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  listening.url = url;
  logger.info({ host, port }, "gateway listening");
  return {
    url,
    port,
    close: async (graceMs = 5_000) => {
      shutdown.abort();
      const dispatched = dispatch.close();
      const closed = app.close();
      const timer = setTimeout(() => app.server.closeAllConnections(), graceMs);
      await closed;
      await dispatched;
      clearTimeout(timer);
    },
  };
}

async function createContext(
  options: GatewayParts,
  listening: { readonly url: string },
  shutdown: AbortSignal,
): Promise<{ context: GatewayContext; dispatch: Dispatch }> {
  const { store, blobs, logger, clock } = options;
  const random = createRandomPool();
  const newId = (): string => uuidV7(clock.now(), random(10));
  const { leaseMs } = options.settings.lease;
  const dispatch = createDispatch({ store, logger, clock, leaseMs, newId });
  const trusted = await store.access.ensureTenant("default");
  const context: GatewayContext = {
    store,
    blobs,
    settings: {
      ...options.settings,
      get publicUrl() {
        return options.settings.publicUrl ?? listening.url;
      },
    },
    logger,
    clock,
    newId,
    seal: createSeal(options.sealKey),
    access: new Access(store, clock, trusted.id),
    dispatcher: dispatch.dispatcher,
    learner: dispatch.learner,
    endings: new Endings(),
    placements: new Placements(store, clock),
    tenantGate: new TenantGate(store.tenants, clock),
    shutdown,
  };
  return { context, dispatch };
}

async function createApp(
  context: GatewayContext,
  blobSigningKey: Uint8Array | null,
): Promise<FastifyInstance> {
  const app = fastify({
    genReqId: () => context.newId(),
    bodyLimit: context.settings.limits.bodyBytes,
    routerOptions: { maxParamLength: 600, ignoreTrailingSlash: true },
    keepAliveTimeout: 75_000,
    forceCloseConnections: "idle",
  });
  registerErrors(app, context.logger);
  registerJsonBodies(app, context.settings.limits);
  await app.register(multipart);
  app.get("/health", async () => ({ status: "ok" }));
  await app.register(async (scope) => registerAdmin(scope, context));
  await app.register(async (scope) => registerWorkerLink(scope, context));
  const slots = new StreamSlots();
  for (const prefix of ["", "/d/:deployment"]) {
    await app.register(async (scope) => registerComfyV2(scope, context, slots), { prefix });
  }
  if (blobSigningKey !== null) {
    await app.register(async (scope) => registerBlobRoutes(scope, context, blobSigningKey));
  }
  await app.ready();
  return app;
}
