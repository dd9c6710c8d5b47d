import type { Clock } from "../kernel/clock.ts";
import { HearthError } from "../kernel/errors.ts";
import type { TenantLoad, TenantStore } from "../store/tenants.ts";
import { AccessCache } from "./access-cache.ts";

const loadMs = 1_000;
const queueRetrySeconds = 2;
const dayMs = 86_400_000;

interface Known {
  readonly load: TenantLoad;
  /** Jobs let through here since it was read. */
  admitted: number;
}

/** Holds tenants to their limits. What other gateways admit shows within a second. */
export class TenantGate {
  private readonly tenants: TenantStore;
  private readonly clock: Clock;
  private readonly loads: AccessCache<Known>;

  constructor(tenants: TenantStore, clock: Clock) {
    this.tenants = tenants;
    this.clock = clock;
    this.loads = new AccessCache(clock, loadMs);
  }

  /** Counts one more job. Errors: `tenant_limit`, naming the limit. */
  async admit(tenantId: number): Promise<TenantLoad> {
    const known = await this.loads.get(String(tenantId), async () => ({
      load: await this.tenants.load(tenantId),
      admitted: 0,
    }));
    const { maxQueued, maxGpuMsADay, queued, gpuMsToday } = known.load;
    if (maxQueued !== null && queued + known.admitted >= maxQueued) {
      throw refused("max_queued", maxQueued, queueRetrySeconds);
    }
    if (maxGpuMsADay !== null && gpuMsToday >= maxGpuMsADay) {
      const untilMidnightMs = dayMs - (this.clock.now() % dayMs);
      throw refused(
        "max_gpu_seconds_a_day",
        maxGpuMsADay / 1000,
        Math.ceil(untilMidnightMs / 1000),
      );
    }
    known.admitted++;
    return known.load;
  }
}

function refused(limit: string, value: number, retryAfterSeconds: number): HearthError {
  return new HearthError("tenant_limit", {
    message: `This account may not go beyond its limit ${limit} of ${value}`,
    details: { limit, value },
    retryAfterSeconds,
  });
}
