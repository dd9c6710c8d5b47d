import { errorMessage } from "../kernel/errors.ts";
import type { Logger } from "../observability/logger.ts";
import type { Device } from "../protocol/worker-link.ts";
import type { AttemptControl } from "./attempt-control.ts";
import { Refused } from "./link-errors.ts";
import type { Link } from "./link.ts";
import { pause } from "./retry.ts";

export interface HeartbeatOptions {
  readonly link: Link;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** The attempt that runs now, if any. */
  readonly current: () => AttemptControl | undefined;
  readonly devices: () => readonly Device[];
  readonly onDrain: () => void;
  readonly onRefused: (refused: Refused) => void;
}

/** After a lost beat the next comes sooner: the lease may depend on it. */
const lostBeatMs = 1_000;

/**
 * Beats from now until `signal` aborts, whatever else the agent does, and carries the gateway's
 * verdicts to the attempt. Never rejects.
 */
export async function runHeartbeat(options: HeartbeatOptions): Promise<void> {
  const { link, logger, signal } = options;
  while (!signal.aborted) {
    let waitMs = link.heartbeatMs ?? lostBeatMs;
    try {
      await beat(options);
    } catch (thrown) {
      if (signal.aborted) return;
      if (thrown instanceof Refused) return options.onRefused(thrown);
      waitMs = Math.min(waitMs, lostBeatMs);
      logger.debug({ cause: errorMessage(thrown) }, "a heartbeat was lost");
    }
    await pause(waitMs, signal).catch(() => undefined);
  }
}

async function beat({ link, current, devices, onDrain, signal }: HeartbeatOptions): Promise<void> {
  const control = current();
  const attempts = control === undefined || control.isReleased ? [] : [control.ref];
  const known = devices();
  const request = { attempts, ...(known.length > 0 && { devices: [...known] }) };
  const reply = await link.heartbeat(request, signal);
  for (const { jobId, epoch, verdict } of reply.attempts) {
    const isCurrent = control?.ref.jobId === jobId && control.ref.epoch === epoch;
    if (isCurrent && !control.isReleased) control.obey(verdict);
  }
  if (reply.drain) onDrain();
}
