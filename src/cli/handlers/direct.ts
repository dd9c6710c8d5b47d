import type { JsonObject } from "../../kernel/json.ts";
import type { Logger } from "../../observability/logger.ts";
import { defaultTimings, type ComfyuiTarget } from "../../worker/agent-options.ts";
import { ComfyHost } from "../../worker/comfyui/supervise.ts";
import { runDirectly, type DirectOutput } from "../../worker/direct-run.ts";

export interface DirectRunnerOptions {
  readonly target: () => Promise<ComfyuiTarget>;
  readonly folder: string;
  readonly logger: Logger;
  readonly maxBytes: number;
}

/** Runs workflows on a ComfyUI of its own, which it keeps from one to the next. */
export class DirectRunner {
  private readonly options: DirectRunnerOptions;
  private host: ComfyHost | undefined;

  constructor(options: DirectRunnerOptions) {
    this.options = options;
  }

  async run(workflow: JsonObject, signal: AbortSignal): Promise<readonly DirectOutput[]> {
    const { folder, maxBytes } = this.options;
    const host = this.host ?? (await this.start());
    const session = await host.ready(signal);
    host.isBusy = true;
    try {
      const own = { session, timings: defaultTimings, folder, signal, maxBytes };
      return await runDirectly(workflow, own);
    } finally {
      host.isBusy = false;
    }
  }

  /** Ends the ComfyUI; the next run starts another. */
  async close(): Promise<void> {
    const { host } = this;
    this.host = undefined;
    await host?.close();
  }

  private async start(): Promise<ComfyHost> {
    const { target, logger } = this.options;
    const host = new ComfyHost({ target: await target(), timings: defaultTimings, logger });
    host.start();
    this.host = host;
    return host;
  }
}
