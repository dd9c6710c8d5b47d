import { errorMessage } from "../kernel/errors.ts";
import type { Logger } from "../observability/logger.ts";
import { pause } from "./retry.ts";

export interface KeepAliveOptions {
  /** How long after the last job the worker is kept from looking idle. */
  readonly durationMs: number;
  readonly intervalMs: number;
  readonly logger: Logger;
  readonly isBusy: () => boolean;
  /** Runs a workflow without models. */
  readonly ping: (
    workflow: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ) => Promise<void>;
  readonly signal: AbortSignal;
}

const colors = 0x1_00_00_00;

/**
 * Gives an idle ComfyUI a tiny picture to make every now and then, for platforms that freeze or end
 * a container in which nothing happens. Ends with the signal. Never rejects.
 */
export async function keepAlive(options: KeepAliveOptions): Promise<void> {
  const { durationMs, intervalMs, logger, isBusy, ping, signal } = options;
  let busyMs = performance.now();
  for (let count = 1; !signal.aborted; count++) {
    await pause(intervalMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    if (isBusy()) busyMs = performance.now();
    else if (performance.now() - busyMs <= durationMs) {
      try {
        await ping(tinyPicture(count % colors), signal);
      } catch (thrown) {
        if (!signal.aborted) logger.debug({ cause: errorMessage(thrown) }, "a ping failed");
      }
    }
  }
}

/** Of another colour each time: ComfyUI would not make the same one twice. */
function tinyPicture(color: number): Readonly<Record<string, unknown>> {
  return {
    "1": { class_type: "EmptyImage", inputs: { width: 16, height: 16, batch_size: 1, color } },
    "2": { class_type: "PreviewImage", inputs: { images: ["1", 0] } },
  };
}
