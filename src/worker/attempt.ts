import { randomUUID } from "node:crypto";

import {
  outputKey,
  type Assignment,
  type AttemptLog,
  type OutputFile,
  type ReportRequest,
  type Timings,
  type UploadsRequest,
  type Verdict,
} from "../protocol/worker-link.ts";
import type { AttemptContext } from "./attempt-context.ts";
import type { AttemptControl } from "./attempt-control.ts";
import { endAttempt } from "./attempt-end.ts";
import { GivenBack } from "./attempt-failed.ts";
import { MissingOutput } from "./fetch-output.ts";
import type { HistoryEntry } from "./comfyui/history.ts";
import { isStale } from "./link-errors.ts";
import { prepareModels } from "./models/prepare-models.ts";
import { planOutputs } from "./outputs.ts";
import { runPrompt } from "./prompt-run.ts";
import { Reporter } from "./report.ts";
import { pause, within } from "./retry.ts";
import { stageInputs } from "./stage.ts";
import { storeOutputs, type Stored } from "./store-outputs.ts";
import { neededNodes } from "./workflow-nodes.ts";

/** ComfyUI frees its memory between two prompts; a prompt queued at once could come before that. */
const freeMs = 500;
const maxTimerMs = 2_147_483_647;

type Product = [stored: Stored, log: AttemptLog | null];
/** How an attempt leaves the lane, once it has it, and lets go of its models. */
interface Turn {
  leave: () => void;
  end: () => void;
}
type Phases = { -readonly [phase in keyof Timings]: Timings[phase] };

/**
 * Runs one attempt from its assignment to whatever end it comes to, and tells the gateway. Throws
 * only `Refused`, and the abort of the agent's life.
 */
export async function runAttempt(
  context: AttemptContext,
  assignment: Assignment,
  control: AttemptControl,
): Promise<void> {
  const { timeoutMs } = assignment;
  const deadline = setTimeout(() => control.interrupt("deadline"), Math.min(timeoutMs, maxTimerMs));
  const reporter = reporterOf(context, assignment, control);
  const timings: Phases = { ...context.cold.timings };
  const turn: Turn = { leave: () => undefined, end: () => undefined };
  try {
    const [stored, log] = await produce(context, assignment, control, reporter, timings, turn);
    clearTimeout(deadline);
    reporter.stop();
    control.signal.throwIfAborted();
    control.isCompleting = true;
    const { peakBytes } = control;
    const memory = peakBytes !== undefined && { peakBytes };
    await context.link.complete(control.ref, { ...stored, ...memory, log, timings }, context.life);
  } catch (thrown) {
    reporter.stop();
    await endAttempt(context, { control, thrown, timeoutMs, timings });
  } finally {
    clearTimeout(deadline);
    // After a failure ComfyUI has been made ready for the next prompt only now.
    turn.leave();
    turn.end();
  }
}

/** Stages, runs and stores; returns what was stored, in order, and what ComfyUI wrote meanwhile. */
async function produce(
  context: AttemptContext,
  assignment: Assignment,
  control: AttemptControl,
  reporter: Reporter,
  timings: Phases,
  turn: Turn,
): Promise<Product> {
  const { session, http, folder, link, life } = context;
  const { attemptId, extraData } = assignment;
  const signal = AbortSignal.any([control.signal, life]);
  const backoff = { minMs: context.timings.retryMinMs, maxMs: context.timings.retryMaxMs };
  const transfer = { session, http, folder, backoff, signal };
  const ready = AbortSignal.any([signal, session.gone]);
  const models = await prepareModels(context, assignment.workflow);
  turn.end = () => models?.release();
  const workflow = await timed(timings, "stageMs", () =>
    stageInputs({ ...transfer, signal: ready }, assignment.workflow, assignment.inputs),
  );
  await models?.arrive({ context, control, reporter, workflow, extraData, signal: ready }, timings);
  const run = async (promptId: string): Promise<HistoryEntry> => {
    turn.leave = await takeLane(context, signal);
    const request = { promptId, workflow, extraData };
    const entry = await onCard(context, assignment, control, (leaveCard) => {
      // ComfyUI can have the next prompt while it is asked what came of this one.
      const onRan = (): void => {
        leaveCard();
        turn.leave();
      };
      return timed(timings, "executeMs", () =>
        runPrompt(context, control, reporter, request, onRan),
      );
    });
    models?.ran();
    turn.leave();
    context.executed(timings.executeMs ?? 0);
    return entry;
  };
  const storage = {
    ...transfer,
    signUploads: (files: UploadsRequest["files"]) => link.uploads(control.ref, { files }, signal),
    inlineBytes: context.timings.inlineBytes,
    keyOf: (hash: string) => outputKey(control.ref.jobId, control.ref.epoch, hash),
    onStored: (outputs: readonly OutputFile[]) => reporter.stored(outputs),
  };
  const store = (entry: HistoryEntry): Promise<Product> =>
    timed(timings, "uploadMs", () =>
      Promise.all([storeOutputs(storage, planOutputs(entry.outputs)), context.log.read()]),
    );
  const entry = await run(attemptId);
  try {
    return await store(entry);
  } catch (thrown) {
    if (!(thrown instanceof MissingOutput)) throw thrown;
    // A cached run names files of an earlier one. Without the cache they are made again.
    await session.client.free({ models: false, cache: true }, signal);
    context.models?.freed();
    await pause(freeMs, signal);
    return store(await run(randomUUID()));
  }
}

/** Waits for ComfyUI to be free. Throws `GivenBack` where that takes longer than was thought. */
async function takeLane(context: AttemptContext, signal: AbortSignal): Promise<() => void> {
  const { lane, laneWaitMs, log } = context;
  const take = async (until: AbortSignal): Promise<() => void> => {
    const leave = await lane.take(until);
    log.begin();
    return leave;
  };
  if (laneWaitMs === undefined) return take(signal);
  try {
    return await within(laneWaitMs, [signal], take);
  } catch (thrown) {
    signal.throwIfAborted();
    context.executed(Number.POSITIVE_INFINITY);
    throw new GivenBack("another prompt takes long", { cause: thrown });
  }
}

/** Runs while the card has room for it. */
async function onCard<T>(
  { session, memory, life }: AttemptContext,
  assignment: Assignment,
  control: AttemptControl,
  run: (leaveCard: () => void) => Promise<T>,
): Promise<T> {
  const signal = AbortSignal.any([control.signal, life, session.gone]);
  const lease = await memory.admit(session, assignment, signal);
  control.lease = lease;
  let isOn = true;
  const leaveCard = (): void => {
    if (isOn) control.peakBytes = lease.release();
    isOn = false;
  };
  try {
    return await run(leaveCard);
  } finally {
    leaveCard();
  }
}

function reporterOf(
  { session, link, timings }: AttemptContext,
  { workflow }: Assignment,
  control: AttemptControl,
): Reporter {
  const { nodes } = session.facts;
  const isOutput = (name: string): boolean =>
    Object.hasOwn(nodes, name) && nodes[name]?.isOutput === true;
  const send = async (report: ReportRequest): Promise<Verdict> => {
    // Of a released attempt nothing is said until it is complete.
    if (control.isReleased) return "continue";
    try {
      const { signal } = control;
      return await link.report(control.ref, report, { signal, maxTries: 1 });
    } catch (thrown) {
      if (isStale(thrown)) control.obey("stale");
      throw thrown;
    }
  };
  return new Reporter({
    classes: neededNodes(workflow, isOutput),
    intervalMs: timings.reportMs,
    firstMs: timings.firstReportMs,
    send,
    onVerdict: (verdict) => control.obey(verdict),
  });
}

async function timed<T>(timings: Phases, phase: keyof Timings, task: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  try {
    return await task();
  } finally {
    timings[phase] = (timings[phase] ?? 0) + Math.round(performance.now() - startMs);
  }
}
