import { errorMessage } from "../kernel/errors.ts";
import type { Logger } from "../observability/logger.ts";
import type { AttemptContext } from "./attempt-context.ts";
import type { ComfySession } from "./comfyui/session.ts";
import { runQuietly } from "./quiet-run.ts";

export interface WarmupOptions {
  /** The deployment's warmup workflow, or null. */
  readonly workflow: () => Readonly<Record<string, unknown>> | null;
  readonly contextOf: (session: ComfySession) => AttemptContext;
  readonly logger: Logger;
}

/**
 * Runs the deployment's warmup workflow once on each ComfyUI that has no job, so that the first
 * job finds models loaded. Where a job is waiting, that job is the warmup. One that fails is not
 * tried again: the worker takes jobs, but does not count as warm until one has run.
 */
export class Warmup {
  private readonly options: WarmupOptions;
  private readonly tried = new WeakSet<ComfySession>();
  private readonly warm = new WeakSet<ComfySession>();

  constructor(options: WarmupOptions) {
    this.options = options;
  }

  isDue(session: ComfySession): boolean {
    return !this.tried.has(session) && this.options.workflow() !== null;
  }

  /** False also where the deployment has no warmup: then nobody asks. */
  isWarm(session: ComfySession): boolean {
    return this.warm.has(session) && this.options.workflow() !== null;
  }

  /** A job has been taken on, and later run. */
  hasJob(session: ComfySession): void {
    this.tried.add(session);
  }

  hasRun(session: ComfySession): void {
    this.warm.add(session);
  }

  /** Never rejects. */
  async run(session: ComfySession, signal: AbortSignal): Promise<void> {
    const { logger, contextOf } = this.options;
    const workflow = this.options.workflow();
    this.tried.add(session);
    if (workflow === null) return;
    const startMs = performance.now();
    try {
      await runQuietly(contextOf(session), workflow, AbortSignal.any([signal, session.gone]));
      this.warm.add(session);
      logger.info({ ms: Math.round(performance.now() - startMs) }, "the warmup has run");
    } catch (thrown) {
      if (!signal.aborted) logger.warn({ cause: errorMessage(thrown) }, "the warmup failed");
    }
  }
}
