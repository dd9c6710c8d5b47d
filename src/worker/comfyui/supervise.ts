import { backoffMs } from "../../kernel/backoff.ts";
import { join } from "node:path";

import { errorMessage } from "../../kernel/errors.ts";
import type { Logger } from "../../observability/logger.ts";
import type { Device } from "../../protocol/worker-link.ts";
import type { AgentTimings, ComfyuiTarget } from "../agent-options.ts";
import { Unreachable } from "../http.ts";
import { LogTail } from "../log-tail.ts";
import { pause } from "../retry.ts";
import { spawnChild, type Child } from "./child.ts";
import { ComfyClient } from "./client.ts";
import { groupCpuMs } from "./process-activity.ts";
import { clearStrays, markLog, probe, readObjectInfo } from "./readiness.ts";
import { devicesOf, keepsResults, serverFacts } from "./server-facts.ts";
import { LogPlace } from "./server-log.ts";
import type { ComfySession } from "./session.ts";
import { ComfySocket } from "./socket.ts";

export interface HostOptions {
  readonly target: ComfyuiTarget;
  readonly timings: AgentTimings;
  readonly logger: Logger;
  /** A ComfyUI has become ready, or was looked at while idle. */
  readonly onLook?: () => void;
  /** A ComfyUI has ended or is being ended. */
  readonly onGone?: () => void;
}

/** Failed looks at an idle server before it counts as gone; a busy one may be slow to answer. */
const maxFailedLooks = 3;
/** From here on the failures to start are worth an operator's attention. */
const alarmingExits = 5;
/** How much of what it wrote last is logged when it is gone. */
const lastWordsBytes = 2_000;

function modelsDirectoryOf(target: ComfyuiTarget): string | undefined {
  if (target.kind !== "spawn") return undefined;
  return target.modelsDirectory ?? join(target.baseDirectory, "models");
}

/** Keeps one ComfyUI ready: starts it, or finds it, and does so again whenever it has gone. */
export class ComfyHost {
  private readonly options: HostOptions;
  private readonly closing = new AbortController();
  private readonly log: LogTail | undefined;
  private readonly waiters = new Set<(session: ComfySession) => void>();
  private session: ComfySession | undefined;
  private endSession: ((reason: string) => void) | undefined;
  private running: Promise<void> = Promise.resolve();
  private readonly strays = new Set<string>();
  private generation = 0;
  private latestDevices: readonly Device[] = [];
  /** While a prompt runs, its watcher judges the server's health. */
  isBusy = false;

  constructor(options: HostOptions) {
    this.options = options;
    this.log = options.target.kind === "spawn" ? new LogTail() : undefined;
  }

  start(): void {
    this.running = this.run();
  }

  /** As of the last look, which is a few seconds ago when no prompt runs. */
  get devices(): readonly Device[] {
    return this.latestDevices;
  }

  /** The ready ComfyUI, as soon as there is one. */
  ready(signal: AbortSignal): Promise<ComfySession> {
    signal.throwIfAborted();
    if (this.session !== undefined) return Promise.resolve(this.session);
    return new Promise((resolve, reject) => {
      const settle = (session: ComfySession): void => {
        signal.removeEventListener("abort", abort);
        resolve(session);
      };
      const abort = (): void => {
        this.waiters.delete(settle);
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", abort, { once: true });
      this.waiters.add(settle);
    });
  }

  /**
   * Ends this ComfyUI and starts another. One that is not ours is looked at anew, and not given out
   * before the prompt that it was left with has ended.
   */
  restart(session: ComfySession, reason: string, strayPromptId: string | undefined): void {
    if (session !== this.session) return;
    if (strayPromptId !== undefined) this.strays.add(strayPromptId);
    this.endSession?.(reason);
  }

  /** Ends whatever ComfyUI there is, if it is ours; whether it was. */
  recycle(reason: string): boolean {
    if (this.options.target.kind !== "spawn" || this.endSession === undefined) return false;
    this.endSession(reason);
    return true;
  }

  /** The ready ComfyUI, if there is one now. */
  get current(): ComfySession | undefined {
    return this.session;
  }

  async close(): Promise<void> {
    this.closing.abort(new Error("closed"));
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    const { logger, timings } = this.options;
    let failures = 0;
    while (!signal.aborted) {
      const generation = ++this.generation;
      let wasReady = false;
      try {
        wasReady = await this.runOnce(signal);
      } catch (thrown) {
        if (!signal.aborted)
          logger.error({ cause: errorMessage(thrown) }, "ComfyUI failed to start");
      }
      if (signal.aborted) return;
      failures = wasReady ? 1 : failures + 1;
      const backoff = { minMs: timings.restartMinMs, maxMs: timings.restartMaxMs };
      const waitMs = backoffMs(failures, backoff, Math.random());
      const level = failures >= alarmingExits ? "error" : "warn";
      logger[level](
        { generation, failures, waitMs },
        "ComfyUI is gone; it is started or sought again",
      );
      await pause(waitMs, signal).catch(() => undefined);
    }
  }

  /** From start to end of one ComfyUI; whether it ever was ready. */
  private async runOnce(signal: AbortSignal): Promise<boolean> {
    const { target, timings, logger } = this.options;
    const ended = new AbortController();
    const end = (reason: string): void => {
      // From now on nobody is given it.
      if (this.endSession === end) this.session = undefined;
      ended.abort(new Error(reason));
    };
    const gone = AbortSignal.any([ended.signal, signal]);
    const logMark = this.log?.mark ?? 0;
    let child: Child | undefined;
    if (target.kind === "spawn") {
      child = await spawnChild(target, this.log ?? new LogTail());
      void child.exited.then((how) => end(`ComfyUI ended: ${how}`));
    }
    const client = new ComfyClient(target.url);
    const socket = new ComfySocket({
      baseUrl: client.baseUrl,
      reconnectMinMs: Math.min(100, timings.silenceMs),
      reconnectMaxMs: 2_000,
      closeMs: 1_000,
    });
    try {
      const session = await this.becomeReady(client, socket, child, gone);
      logger.info({ version: session.facts.comfyuiVersion }, "ComfyUI is ready");
      this.endSession = end;
      this.publish(session);
      this.options.onLook?.();
      await this.watchHealth(session, end);
      return true;
    } catch (thrown) {
      if (!gone.aborted) throw thrown;
      return false;
    } finally {
      this.session = undefined;
      this.endSession = undefined;
      end("replaced");
      if (!signal.aborted) {
        const lastWords = this.log?.since(logMark, lastWordsBytes)?.text;
        logger.warn({ cause: errorMessage(gone.reason), lastWords }, "ComfyUI has gone");
      }
      await Promise.all([socket.close(), client.close(), child?.stop(timings.killMs)]);
      this.options.onGone?.();
    }
  }

  private async becomeReady(
    client: ComfyClient,
    socket: ComfySocket,
    child: Child | undefined,
    gone: AbortSignal,
  ): Promise<ComfySession> {
    const { target, timings, logger } = this.options;
    const isOurs = target.kind === "spawn";
    const startMs = performance.now();
    const stats = await probe(client, timings, gone);
    this.latestDevices = devicesOf(stats);
    // A process of ours has taken its prompts with it.
    if (isOurs) this.strays.clear();
    const serverLog = new LogPlace();
    const [objectInfo] = await Promise.all([
      readObjectInfo(client, timings, logger, gone),
      socket.open(timings.silenceMs),
      isOurs ? undefined : markLog(client, serverLog, gone),
      clearStrays(client, this.strays, timings, gone),
    ]);
    gone.throwIfAborted();
    return {
      generation: this.generation,
      client,
      socket,
      facts: serverFacts(stats, objectInfo),
      readyAfterMs: performance.now() - startMs,
      keepsResults: keepsResults(stats),
      gone,
      baseDirectory: target.kind === "spawn" ? target.baseDirectory : undefined,
      modelsDirectory: modelsDirectoryOf(target),
      log: this.log,
      serverLog,
      groupId: child?.groupId,
      cpuMs: () => groupCpuMs(child?.groupId),
    };
  }

  /** Returns when the server has gone. */
  private async watchHealth(session: ComfySession, end: (reason: string) => void): Promise<void> {
    const { gone, client } = session;
    const { healthMs } = this.options.timings;
    for (let failed = 0; !gone.aborted;) {
      await pause(healthMs, gone).catch(() => undefined);
      if (gone.aborted) return;
      if (this.isBusy) {
        failed = 0;
        continue;
      }
      try {
        this.latestDevices = devicesOf(await client.systemStats(gone, healthMs));
        failed = 0;
        this.options.onLook?.();
      } catch (thrown) {
        failed++;
        const isDead = thrown instanceof Unreachable && thrown.isRefused;
        if (isDead || failed >= maxFailedLooks) end(`it does not answer: ${errorMessage(thrown)}`);
      }
    }
  }

  private publish(session: ComfySession): void {
    this.session = session;
    for (const waiter of this.waiters) waiter(session);
    this.waiters.clear();
  }
}
