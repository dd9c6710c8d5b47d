import { randomUUID } from "node:crypto";

import { headGraph } from "../../workflow/head-graph.ts";
import { modelKey, type ModelFile } from "../../workflow/model-ref.ts";
import type { Workflow } from "../../workflow/parse.ts";
import type { AttemptContext } from "../attempt-context.ts";
import type { AttemptControl } from "../attempt-control.ts";
import { AttemptFailed } from "../attempt-failed.ts";
import { runPrompt } from "../prompt-run.ts";
import type { Reporter } from "../report.ts";
import type { Arrival } from "./delivery.ts";
import { modelFailed } from "./model-fault.ts";
import type { AttemptModels, WorkerModels } from "./worker-models.ts";

/** ComfyUI's own node that takes any value and shows it as text. */
const sinkClass = "PreviewAny";
const sinkInput = "source";

export interface AwaitedAttempt {
  readonly context: AttemptContext;
  readonly control: AttemptControl;
  readonly reporter: Reporter;
  readonly workflow: Workflow;
  readonly extraData: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * Returns when every model of an attempt is where ComfyUI finds it. Until then what needs none of
 * the missing ones is run ahead as a prompt of its own: ComfyUI judges names when a prompt is posted
 * and opens files when a loader runs, so the whole cannot be posted before its last file is there.
 * Throws `AttemptFailed`, or the attempt's interruption.
 */
export async function awaitModels(
  attempt: AwaitedAttempt,
  models: WorkerModels,
  own: AttemptModels,
): Promise<void> {
  const { reporter, signal } = attempt;
  const ahead = new RunAhead(attempt);
  for (;;) {
    signal.throwIfAborted();
    const missing = own.arrivals.filter(({ arrivedMs }) => arrivedMs === undefined);
    const failed = missing.find(({ fault }) => fault !== undefined);
    if (failed !== undefined) throw modelFailed(modelKey(failed.file), failed.fault);
    const [first] = missing;
    if (first === undefined) return;
    reporter.say(`loading ${modelKey(first.file)}${percentOf(first)}`);
    const news = models.progress(signal);
    if (await ahead.run(own, missing)) {
      // It is read before the next wait.
      news.catch(() => undefined);
      continue;
    }
    await news;
  }
}

class RunAhead {
  private readonly attempt: AwaitedAttempt;
  private readonly begun = new Set<string>();
  private isOn: boolean;

  constructor(attempt: AwaitedAttempt) {
    this.attempt = attempt;
    const { session } = attempt.context;
    const { nodes } = session.facts;
    // Without its cache ComfyUI would do everything twice.
    this.isOn = session.keepsResults && Object.hasOwn(nodes, sinkClass);
  }

  /** False where nothing new can begin. */
  async run({ uses }: AttemptModels, missing: readonly Arrival[]): Promise<boolean> {
    if (!this.isOn) return false;
    const absent = new Set(missing.map(({ file }) => modelKey(file)));
    const isAbsent = (model: ModelFile): boolean => absent.has(modelKey(model));
    const waiting = new Set(uses.filter((use) => isAbsent(use.model)).map((use) => use.nodeId));
    const loading = new Set(uses.map((use) => use.nodeId).filter((id) => !waiting.has(id)));
    const { workflow, context } = this.attempt;
    const { nodes } = context.session.facts;
    const isOutput = (name: string): boolean =>
      Object.hasOwn(nodes, name) && nodes[name]?.isOutput === true;
    const head = headGraph(workflow, { waiting, loading, isOutput, sinkClass, sinkInput });
    if (head === undefined || [...head.nodes].every((id) => this.begun.has(id))) return false;
    for (const id of head.nodes) this.begun.add(id);
    await this.post(head.prompt);
    return true;
  }

  private async post(prompt: Readonly<Record<string, unknown>>): Promise<void> {
    const { context, control, reporter, extraData, signal } = this.attempt;
    const leave = await context.lane.take(signal);
    try {
      const request = { promptId: randomUUID(), workflow: prompt, extraData };
      await runPrompt(context, control, reporter, request);
    } catch (thrown) {
      const isOwn = thrown instanceof AttemptFailed && thrown.failure.failureClass === "user";
      if (!isOwn) throw thrown;
      // The whole will meet the same fault, and can name it better.
      this.isOn = false;
      context.logger.debug({ cause: thrown.message }, "running ahead failed");
    } finally {
      leave();
    }
  }
}

function percentOf({ doneBytes, totalBytes }: Arrival): string {
  return totalBytes > 0 ? `, ${Math.floor((100 * doneBytes) / totalBytes)} %` : "";
}
