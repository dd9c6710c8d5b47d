import type { BlobStore } from "../blobs/blobs.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../observability/logger.ts";
import type { LeaseTiming } from "../queue/lease.ts";
import type { Store } from "../store/store.ts";
import type { Access } from "./auth.ts";
import type { Placements } from "./dispatch/placements.ts";
import type { RunLearner } from "./dispatch/run-learner.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Endings } from "./endings.ts";
import type { Seal } from "./seal.ts";
import type { TenantGate } from "./tenant-gate.ts";

/** Bounds on what callers may send. */
export interface GatewayLimits {
  /** Of a JSON body. */
  readonly bodyBytes: number;
  readonly jsonDepth: number;
  readonly workflowNodes: number;
  readonly uploadBytes: number;
  /** Of an uploaded image, read from its header. */
  readonly imagePixels: number;
  /** Event streams open at once for a tenant on this gateway. */
  readonly streamsPerTenant: number;
}

export const defaultLimits: GatewayLimits = {
  bodyBytes: 32 * 1024 * 1024,
  jsonDepth: 64,
  workflowNodes: 5_000,
  uploadBytes: 4 * 1024 ** 3,
  imagePixels: 64_000_000,
  streamsPerTenant: 64,
};

export interface GatewaySettings {
  /** Absolute, without a slash at its end; asset URLs begin with it. */
  readonly publicUrl: string;
  /** Whether callers from loopback need no key; they act for the tenant `default`. */
  readonly trustsLoopback: boolean;
  readonly limits: GatewayLimits;
  readonly lease: LeaseTiming;
  /** How long signed URLs of contents stay good. */
  readonly signedUrlMs: number;
  /**
   * Where replies are delivered whole (behind API Gateway, say), an event stream cannot stay open:
   * it ends with the first news, or after this long. Clients open the next one. Default: it lasts.
   */
  readonly wholeStreamMs?: number;
}

/** What the routes work with. One a process; it holds no state that another gateway would miss. */
export interface GatewayContext {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly settings: GatewaySettings;
  readonly logger: Logger;
  readonly clock: Clock;
  /** A new version-7 UUID. */
  newId(): string;
  readonly seal: Seal;
  readonly access: Access;
  readonly dispatcher: Dispatcher;
  readonly learner: RunLearner;
  readonly endings: Endings;
  readonly placements: Placements;
  readonly tenantGate: TenantGate;
  /** Aborted when the gateway begins to shut down; long polls and streams end then. */
  readonly shutdown: AbortSignal;
}
