/** How often a worker speaks and how long its silence is borne. Only the database clock decides. */
export interface LeaseTiming {
  readonly heartbeatMs: number;
  readonly leaseMs: number;
  readonly reaperIntervalMs: number;
}

/** A dead worker is noticed within lease + reaper interval + one heartbeat of slack, under 35 s. */
export const defaultLeaseTiming: LeaseTiming = {
  heartbeatMs: 5_000,
  leaseMs: 30_000,
  reaperIntervalMs: 2_000,
};
