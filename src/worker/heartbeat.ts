import { errorMessage } from "../kernel/errors.ts";
import type { Logger } from "../observability/logger.ts";
import type { Device, Resident } from "../protocol/worker-link.ts";
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
  /** The models that it has; undefined where it does not know. */
  readonly residents: () => readonly Resident[] | undefined;
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
  const told: Told = { residents: "" };
  while (!signal.aborted) {
    let waitMs = link.heartbeatMs ?? lostBeatMs;
    try {
      await beat(options, told);
    } catch (thrown) {
      if (signal.aborted) return;
      if (thrown instanceof Refused) return options.onRefused(thrown);
      waitMs = Math.min(waitMs, lostBeatMs);
      logger.debug({ cause: errorMessage(thrown) }, "a heartbeat was lost");
    }
    await pause(waitMs, signal).catch(() => undefined);
  }
}

/** What the gateway knows already. */
interface Told {
  residents: string;
}

async function beat(options: HeartbeatOptions, told: Told): Promise<void> {
  const { link, attempts, devices, memory, onDrain, signal } = options;
  const residents = options.residents();
  // A gateway that has forgotten this worker knows nothing of its models either.
  const text = residents === undefined ? "" : `${link.workerId} ${JSON.stringify(residents)}`;
  const isNews = residents !== undefined && text !== told.residents;
  const ours = attempts().filter(({ isReleased }) => !isReleased);
  const known = devices();
  const report = memory.news();
  const request = {
    attempts: ours.map(({ ref }) => ref),
    ...(known.length > 0 && { devices: [...known] }),
    ...(report !== undefined && { memory: report }),
    ...(isNews && { residents: [...residents] }),
  };
  const reply = await link.heartbeat(request, signal);
  if (report !== undefined) memory.told(report);
  told.residents = text;
  for (const { jobId, epoch, verdict } of reply.attempts) {
    const meant = ours.find(({ ref }) => ref.jobId === jobId && ref.epoch === epoch);
    if (meant?.isReleased === false) meant.obey(verdict);
  }
  memory.largestCardBytes = reply.largestCardBytes ?? 0;
  if (reply.drain) onDrain();
}
