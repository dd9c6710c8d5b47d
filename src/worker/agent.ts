import { rm } from "node:fs/promises";
import { join } from "node:path";

import { Agent as HttpAgent } from "undici";

import { errorMessage } from "../kernel/errors.ts";
import type { Assignment, ReadyRequest } from "../protocol/worker-link.ts";
import {
  defaultDeadmanMs,
  defaultTimings,
  type AgentExit,
  type AgentOptions,
  type AgentTimings,
  type ComfyuiTarget,
} from "./agent-options.ts";
import type { AttemptContext } from "./attempt-context.ts";
import { AttemptControl } from "./attempt-control.ts";
import { AttemptLogReader } from "./attempt-log.ts";
import { runAttempt } from "./attempt.ts";
import { ColdStart } from "./cold-start.ts";
import type { ComfySession } from "./comfyui/session.ts";
import { ComfyHost } from "./comfyui/supervise.ts";
import { waitForSilence } from "./deadman.ts";
import { runHeartbeat } from "./heartbeat.ts";
import { runJobs } from "./job-loop.ts";
import { Refused, isStale } from "./link-errors.ts";
import { keepAlive } from "./keep-alive.ts";
import { Link } from "./link.ts";
import { CardKeeper } from "./memory/card-keeper.ts";
import { SlotMemory } from "./memory/slot-memory.ts";
import { WorkerModels } from "./models/worker-models.ts";
import { OpenAttempts } from "./open-attempts.ts";
import { PromptLane } from "./prompt-lane.ts";
import { runQuietly } from "./quiet-run.ts";
import { sweepStaged } from "./stage-sweep.ts";
import { agentVersion } from "./version.ts";
import { Warmup } from "./warmup.ts";

export type { AgentExit, AgentOptions } from "./agent-options.ts";

export interface Agent {
  /** Resolves when the agent has left and nothing of it runs any more; never rejects. */
  readonly done: Promise<AgentExit>;
  /**
   * Gives the current job back first, then tries to finish it within `graceMs` (default 20 s).
   * Resolves with `done`.
   */
  stop(graceMs?: number): Promise<void>;
}

/** Starts working for a gateway. Never throws: what goes wrong is in the log and in `done`. */
export function startAgent(options: AgentOptions): Agent {
  const run = new AgentRun(options);
  const done = run.live();
  return {
    done,
    stop: async (graceMs) => {
      await run.stop(graceMs);
      await done;
    },
  };
}

const onlySlot = "0";
const goodbyeMs = 3_000;
const releaseMs = 5_000;
const sweepIntervalMs = 600_000;

/** How an attempt stands among others. */
type Place = Pick<AttemptContext, "laneWaitMs" | "executed">;

/** Of a run that is no attempt. */
const quiet: Place = { laneWaitMs: undefined, executed: () => undefined };
const noColdPhases = { timings: {}, sinceMs: Number.POSITIVE_INFINITY };

class AgentRun {
  private readonly options: AgentOptions;
  private readonly timings: AgentTimings;
  private readonly life = new AbortController();
  /** Aborts when no further job is wanted. */
  private readonly claiming = new AbortController();
  private readonly beating = new AbortController();
  private readonly link: Link;
  private readonly host: ComfyHost;
  private readonly memory: SlotMemory;
  private readonly http = new HttpAgent({ connections: 8, keepAliveTimeout: 30_000 });
  private readonly attempts = new OpenAttempts();
  private readonly lane = new PromptLane();
  private readonly models: WorkerModels | undefined;
  private readonly coldStart = new ColdStart();
  private readonly warmup: Warmup;
  private readiedGeneration = 0;
  private exit: AgentExit | undefined;
  private sweptMs = -Infinity;

  constructor(options: AgentOptions) {
    this.options = options;
    this.timings = { ...defaultTimings, ...options.timings };
    const { timings } = this;
    const { gatewayUrl, enrollmentToken, deployment, name, externalId, logger } = options;
    const identity = {
      name: name.slice(0, 120),
      agentVersion,
      ...(enrollmentToken !== undefined && { enrollmentToken }),
      ...(deployment !== undefined && { deployment }),
      ...(externalId !== undefined && { externalId }),
    };
    const { signal } = this.life;
    const { besideWorker } = options;
    const beside = besideWorker && { besideWorker };
    this.link = new Link({ gatewayUrl, identity, ...beside, timings, logger, signal });
    const slot = options.card?.slot ?? onlySlot;
    const keeper = options.card?.keeper ?? new CardKeeper({ logger, slots: [slot] });
    this.memory = new SlotMemory(keeper, slot);
    this.host = new ComfyHost({
      target: options.comfyui,
      timings,
      logger,
      onLook: () => this.memory.looked(signal),
      onGone: () => this.memory.gone(),
    });
    this.memory.join(this.host, signal, () => this.models?.freed());
    this.models = options.models && this.modelsOf(options.models);
    this.warmup = new Warmup({
      workflow: () => this.models?.warmup ?? null,
      contextOf: (session) => this.contextOf(session, quiet),
      logger,
    });
  }

  async live(): Promise<AgentExit> {
    const { logger, folder } = this.options;
    await clearScratch(folder);
    // ComfyUI takes its time to start; enrolment and the first heartbeats need not wait for it.
    this.host.start();
    const deadman = this.watchForDeadman();
    const awake = this.stayAwake();
    let beats: Promise<void> = Promise.resolve();
    let delivering: Promise<void> | undefined;
    try {
      const { workerToken } = await this.link.enroll();
      this.options.onEnrolled?.(workerToken);
      logger.info({ workerId: this.link.workerId }, "enrolled");
      beats = this.beat();
      // Models come while ComfyUI is still starting.
      delivering = this.models?.run();
      await this.work();
      await this.attempts.settled();
    } catch (thrown) {
      this.note(thrown);
    }
    this.beating.abort(new Error("leaving"));
    this.claiming.abort(new Error("leaving"));
    await beats;
    await this.sayGoodbye();
    this.life.abort(new Error("left"));
    await Promise.all([deadman, awake, delivering, this.host.close()]);
    await Promise.all([this.link.close(), this.http.destroy()]);
    const exit = this.exit ?? { reason: "stopped" };
    logger.info(exit, "the agent has left");
    return exit;
  }

  /** Resolves when the jobs have been given back; never rejects. */
  async stop(graceMs = this.timings.stopGraceMs): Promise<void> {
    this.exit ??= { reason: "stopped" };
    this.claiming.abort(new Error("stopping"));
    // Not even enrolled: there is nothing to leave in order.
    if (this.link.workerId === undefined) this.life.abort(new Error("stopping"));
    const [executing, ...others] = this.attempts.controls;
    await Promise.all([
      executing && this.giveBack(executing, graceMs),
      // What has not even begun to run is left to others.
      ...others.map((control) => this.giveBack(control, control.isCompleting ? graceMs : 0)),
    ]);
  }

  /** Gives a job back first, then lets it run on for `graceMs`. */
  private async giveBack(control: AttemptControl, graceMs: number): Promise<void> {
    if (control.isReleased) return;
    setTimeout(() => {
      control.interrupt("shutdown");
      if (control.isCompleting) this.life.abort(new Error("stopping"));
    }, graceMs).unref();
    if (control.isCompleting) return;
    control.isReleased = true;
    try {
      const signal = AbortSignal.timeout(releaseMs);
      await this.link.release(control.ref, { reason: "shutdown" }, signal);
    } catch (thrown) {
      if (isStale(thrown)) control.interrupt("stale");
      this.options.logger.warn({ cause: errorMessage(thrown) }, "the job was not given back");
    }
  }

  private beat(): Promise<void> {
    return runHeartbeat({
      link: this.link,
      logger: this.options.logger,
      signal: this.beating.signal,
      attempts: () => this.attempts.controls,
      devices: () => this.host.devices,
      memory: this.memory,
      residents: () => this.models?.list(),
      onDrain: () => {
        this.exit ??= { reason: "drained" };
        this.claiming.abort(new Error("draining"));
      },
      onRefused: (refused) => this.leaveAtOnce({ reason: "refused", detail: refused.message }),
    });
  }

  private work(): Promise<void> {
    return runJobs({
      host: this.host,
      link: this.link,
      timings: this.timings,
      logger: this.options.logger,
      claiming: this.claiming.signal,
      life: this.life.signal,
      attempts: this.attempts,
      budget: () => this.memory.budget(),
      readiness: (session) => this.readiness(session),
      warmup: this.warmup,
      startJob: (session, assignment) => this.startJob(session, assignment),
    });
  }

  private modelsOf(models: NonNullable<AgentOptions["models"]>): WorkerModels | undefined {
    const { logger, comfyui } = this.options;
    const { store, folder = modelsFolderOf(comfyui) } = models;
    // A ComfyUI whose folders are out of reach has what it has.
    if (folder === undefined) return undefined;
    return new WorkerModels({
      store,
      modelsFolder: folder,
      logger,
      signal: this.life.signal,
      ask: (signal) => this.link.models(signal),
      pollMs: this.timings.modelPollMs,
    });
  }

  /** What a ComfyUI that is ready says beyond its own facts. */
  private readiness(session: ComfySession): Pick<ReadyRequest, "residents" | "isWarm"> {
    const isWarm = this.warmup.isWarm(session);
    // A new process has nothing loaded.
    if (session.generation !== this.readiedGeneration) this.models?.freed();
    this.readiedGeneration = session.generation;
    const residents = this.models?.list();
    return { isWarm, ...(residents !== undefined && { residents: [...residents] }) };
  }

  private startJob(session: ComfySession, assignment: Assignment): void {
    const { jobId, epoch } = assignment;
    const control = new AttemptControl({ jobId, epoch });
    const laneWaitMs = this.attempts.isExecuting ? this.timings.aheadMs : undefined;
    this.host.isBusy = true;
    this.attempts.start(control, async (executed) => {
      try {
        await this.runJob(session, assignment, control, { laneWaitMs, executed });
      } catch (thrown) {
        this.noteAttempt(thrown);
      }
    });
  }

  private async runJob(
    session: ComfySession,
    assignment: Assignment,
    control: AttemptControl,
    place: Place,
  ): Promise<void> {
    try {
      await runAttempt(this.contextOf(session, place), assignment, control);
      this.warmup.hasRun(session);
    } finally {
      this.host.isBusy = this.attempts.controls.length > 1;
    }
    if (assignment.inputs.length > 0) await this.sweep(session);
  }

  private contextOf(session: ComfySession, place: Place): AttemptContext {
    const { host, link, http, timings, lane, memory, models } = this;
    const { folder, logger } = this.options;
    const log = new AttemptLogReader(session);
    const life = this.life.signal;
    const restart: AttemptContext["restart"] = (reason, stray) =>
      host.restart(session, reason, stray);
    const cold = place === quiet ? noColdPhases : this.coldStart.take(session, link.launch);
    const own = { session, link, http, folder, timings, logger, life, log, restart };
    return { ...own, ...place, lane, memory, models, cold };
  }

  /** Keeps a platform from freezing what looks idle. */
  private async stayAwake(): Promise<void> {
    const { keepAliveMs: durationMs, logger } = this.options;
    if (durationMs === undefined) return;
    const signal = this.claiming.signal;
    await keepAlive({
      durationMs,
      intervalMs: this.timings.keepAliveIntervalMs,
      logger,
      isBusy: () => this.attempts.controls.length > 0,
      ping: async (workflow, until) => {
        const session = await this.host.ready(until);
        await runQuietly(this.contextOf(session, quiet), workflow, until);
      },
      signal,
    });
  }

  private async sweep({ baseDirectory }: ComfySession): Promise<void> {
    const now = performance.now();
    if (baseDirectory === undefined || now - this.sweptMs < sweepIntervalMs) return;
    this.sweptMs = now;
    await sweepStaged(baseDirectory, Date.now());
  }

  /** Resolves when the agent has to leave for want of a gateway, or has left. */
  private async watchForDeadman(): Promise<void> {
    const { deadmanMs, enrollmentToken, besideWorker } = this.options;
    const isRented = enrollmentToken !== undefined || besideWorker !== undefined;
    const limitMs = deadmanMs ?? (isRented ? defaultDeadmanMs : undefined);
    if (limitMs === undefined) return;
    if (!(await waitForSilence(() => this.link.silentMs, limitMs, this.life.signal))) return;
    const detail = `no word from the gateway for ${Math.round(limitMs / 1000)} s`;
    this.leaveAtOnce({ reason: "deadman", detail });
  }

  private leaveAtOnce(exit: AgentExit): void {
    this.exit ??= exit;
    this.claiming.abort(new Error(exit.reason));
    this.life.abort(new Error(exit.reason));
  }

  private noteAttempt(thrown: unknown): void {
    if (thrown instanceof Refused) return this.note(thrown);
    if (this.life.signal.aborted) return;
    this.options.logger.warn({ cause: errorMessage(thrown) }, "an attempt could not be ended");
  }

  private note(thrown: unknown): void {
    if (this.life.signal.aborted) return;
    const detail = errorMessage(thrown);
    if (!(thrown instanceof Refused)) {
      this.options.logger.error({ cause: detail }, "the agent met an unexpected failure");
    }
    this.leaveAtOnce({ reason: "refused", detail });
  }

  private async sayGoodbye(): Promise<void> {
    const isWelcome = this.exit?.reason === "drained" || this.exit?.reason === "stopped";
    if (!isWelcome || this.link.workerId === undefined) return;
    try {
      await this.link.goodbye(AbortSignal.timeout(goodbyeMs));
    } catch (thrown) {
      this.options.logger.debug({ cause: errorMessage(thrown) }, "the goodbye was not heard");
    }
  }
}

function modelsFolderOf(target: ComfyuiTarget): string | undefined {
  if (target.kind === "attach") return undefined;
  return target.modelsDirectory ?? join(target.baseDirectory, "models");
}

/** What an agent that was killed left behind. */
async function clearScratch(folder: string): Promise<void> {
  const options = { recursive: true, force: true } as const;
  await Promise.allSettled(["inputs", "outputs"].map((name) => rm(join(folder, name), options)));
}
