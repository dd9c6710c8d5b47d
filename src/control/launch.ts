import type { Clock } from "../kernel/clock.ts";
import { HearthError, errorMessage } from "../kernel/errors.ts";
import type { Logger } from "../observability/logger.ts";
import type { Platform } from "../platforms/platform.ts";
import type { Store } from "../store/store.ts";
import { maxPendingMs } from "./fleet.ts";

/** What launching takes, whoever decides on it. */
export interface LaunchParts {
  readonly store: Store;
  /** How workers reach the gateway. */
  readonly gatewayUrl: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** A new version-7 UUID. */
  readonly newId: () => string;
  readonly mintToken: () => { readonly token: string; readonly tokenHash: Uint8Array };
}

export interface RecordedInstance {
  readonly id: string;
  readonly deploymentId: number;
  readonly deployment: string;
}

/** A launch that takes longer has failed anyway. */
const enrollmentValidMs = maxPendingMs + 60_000;

/**
 * Launches an instance that has its row already: nothing ever runs that nobody has written down.
 * `refused`: nothing was launched for sure, and the row is closed. `under_way` also stands for a
 * lost reply: a later pass of the reconciler confirms or retires the row.
 */
export async function launchRecorded(
  parts: LaunchParts,
  platform: Platform,
  { id, deploymentId, deployment }: RecordedInstance,
): Promise<"under_way" | "refused"> {
  const { store, gatewayUrl, mintToken, logger } = parts;
  const { token, tokenHash } = mintToken();
  await store.workers.createEnrollment({
    tokenHash,
    deploymentId,
    instanceId: id,
    validMs: enrollmentValidMs,
  });
  const workerName = `${deployment}-${id.slice(-6)}`;
  const spec = { clientToken: id, deployment, gatewayUrl, enrollmentToken: token, workerName };
  try {
    const { externalId } = await platform.launch(spec);
    // What others run may wait for capacity first; their list says when it no longer does.
    const state = platform.reach === "host" ? "running" : "launching";
    await store.control.updateInstance(id, state, externalId);
    return "under_way";
  } catch (thrown) {
    logger.warn({ instanceId: id, error: errorMessage(thrown) }, "launch without an instance");
    if (!isDefinite(thrown)) return "under_way";
    await store.control.retireInstance(id);
    return "refused";
  }
}

/** Whether nothing was launched for sure. */
function isDefinite(thrown: unknown): boolean {
  return thrown instanceof HearthError && definiteCodes.has(thrown.code);
}

const definiteCodes: ReadonlySet<string> = new Set([
  "platform_capacity",
  "platform_quota",
  "platform_refused",
]);
