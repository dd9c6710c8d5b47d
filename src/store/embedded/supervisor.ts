import type { Clock } from "../../kernel/clock.ts";
import { errorMessage } from "../../kernel/errors.ts";
import type { LiveServer } from "./launch.ts";
import { isRunning } from "./process-identity.ts";
import type { ServerLog } from "./server-log.ts";

/** The part of a pino logger that the private server uses. */
export interface EmbeddedLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface SupervisorOptions {
  readonly server: LiveServer;
  readonly log: ServerLog;
  readonly logger: EmbeddedLogger;
  readonly clock: Clock;
  /** Starts the server again on the same data. */
  readonly relaunch: () => Promise<LiveServer>;
}

/** Looking is one read on Linux and a child process elsewhere. */
const watchIntervalMs = process.platform === "linux" ? 1_000 : 5_000;
const maxRestarts = 5;
const restartWindowMs = 600_000;

/** Keeps one server running and its log small until it is told to stop. */
export class Supervisor {
  private server: LiveServer;
  private readonly options: SupervisorOptions;
  private readonly timer: NodeJS.Timeout;
  private restartTimes: readonly number[] = [];
  private look: Promise<void> | undefined;
  private gaveUp = false;

  constructor(options: SupervisorOptions) {
    this.options = options;
    this.server = options.server;
    this.timer = setInterval(() => void this.check(), watchIntervalMs);
    this.timer.unref();
  }

  get current(): LiveServer {
    return this.server;
  }

  /** One look, which the timer takes too; never two at a time. Never rejects. */
  check(): Promise<void> {
    this.look ??= this.lookOnce().finally(() => {
      this.look = undefined;
    });
    return this.look;
  }

  /** Ends the watch and returns the server that is left to stop. */
  async end(): Promise<LiveServer> {
    clearInterval(this.timer);
    await this.look;
    return this.server;
  }

  private async lookOnce(): Promise<void> {
    const { log, logger, relaunch } = this.options;
    try {
      await log.rotateIfFull();
      if (this.gaveUp || (await isRunning(this.server.identity))) return;
      const { pid } = this.server.identity;
      if (!this.mayRestart()) {
        this.gaveUp = true;
        logger.error(
          { pid, maxRestarts, restartWindowMs },
          "private Postgres keeps ending; giving up",
        );
        return;
      }
      logger.warn({ pid }, "private Postgres has ended; starting it again");
      this.server = await relaunch();
    } catch (thrown) {
      logger.error({ error: errorMessage(thrown) }, "private Postgres is not well");
    }
  }

  private mayRestart(): boolean {
    const now = this.options.clock.now();
    this.restartTimes = this.restartTimes.filter((time) => now - time < restartWindowMs);
    if (this.restartTimes.length >= maxRestarts) return false;
    this.restartTimes = [...this.restartTimes, now];
    return true;
  }
}
