import { errorMessage } from "../kernel/errors.ts";
import type { Logger } from "../observability/logger.ts";
import type { Device } from "../protocol/worker-link.ts";
import type { AttemptControl } from "./attempt-control.ts";
import { Refused } from "./link-errors.ts";
import type { Link } from "./link.ts";
import type { SlotMemory } from "./memory/slot-memory.ts";
import { pause } from "./retry.ts";

export interface HeartbeatOptions {
  readonly link: Link;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** The attempts that the worker has taken on. */
  readonly attempts: () => readonly AttemptControl[];
  readonly devices: () => readonly Device[];
  readonly memory: SlotMemory;
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

async function beat(options: HeartbeatOptions): Promise<void> {
  const { link, attempts, devices, memory, onDrain, signal } = options;
  const ours = attempts().filter(({ isReleased }) => !isReleased);
  const known = devices();
  const report = memory.news();
  const request = {
    attempts: ours.map(({ ref }) => ref),
    ...(known.length > 0 && { devices: [...known] }),
    ...(report !== undefined && { memory: report }),
  };
  const reply = await link.heartbeat(request, signal);
  if (report !== undefined) memory.told(report);
  for (const { jobId, epoch, verdict } of reply.attempts) {
    const meant = ours.find(({ ref }) => ref.jobId === jobId && ref.epoch === epoch);
    if (meant?.isReleased === false) meant.obey(verdict);
  }
  memory.largestCardBytes = reply.largestCardBytes ?? 0;
  if (reply.drain) onDrain();
}
