import { isJsonObject } from "../../kernel/json.ts";
import type { Timings } from "../../protocol/worker-link.ts";
import { parseWorkflow, type Workflow } from "../../workflow/parse.ts";
import type { AttemptContext } from "../attempt-context.ts";
import { awaitModels, type AwaitedAttempt } from "./await-models.ts";
import type { Arrival } from "./delivery.ts";

/** The models of an attempt, on their way. */
export interface PreparedModels {
  /** Resolves when all are there. Throws `AttemptFailed`, or the attempt's interruption. */
  arrive(attempt: StagedAttempt, timings: WeightsPhase): Promise<void>;
  /** ComfyUI has run with them. */
  ran(): void;
  /** They may be evicted again. */
  release(): void;
}

type WeightsPhase = { -readonly [phase in keyof Pick<Timings, "weightsMs">]: Timings[phase] };

type StagedAttempt = Omit<AwaitedAttempt, "workflow"> & {
  /** With its inputs in place. */
  readonly workflow: Readonly<Record<string, unknown>>;
};

/** Begins to bring what a workflow needs; undefined where that is nothing, or not our matter. */
export async function prepareModels(
  { models, cold }: AttemptContext,
  workflow: Readonly<Record<string, unknown>>,
): Promise<PreparedModels | undefined> {
  if (models === undefined) return undefined;
  const parsed = parsedOf(workflow);
  const own = parsed && (await models.begin(parsed));
  if (parsed === undefined || own === undefined) return undefined;
  return {
    arrive: async (attempt, timings) => {
      const staged = parsedOf(attempt.workflow) ?? parsed;
      await awaitModels({ ...attempt, workflow: staged }, models, own);
      models.warmNext();
      const weightsMs = weightsTime(own.arrivals, cold.sinceMs);
      if (weightsMs !== undefined) timings.weightsMs = weightsMs;
    },
    ran: () => models.ran(own),
    release: () => own.release(),
  };
}

/** From the beginning of the first file's fetch to the end of the last one's; cached ones are free. */
function weightsTime(arrivals: readonly Arrival[], sinceMs: number): number | undefined {
  const spans = arrivals.map(({ fetched }) => fetched).filter((span) => span !== undefined);
  const own = spans.filter(({ endMs }) => endMs >= sinceMs);
  if (own.length === 0) return undefined;
  const startMs = Math.min(...own.map((span) => span.startMs));
  return Math.round(Math.max(...own.map((span) => span.endMs)) - startMs);
}

/** What ComfyUI would refuse anyway names no models. */
function parsedOf(workflow: Readonly<Record<string, unknown>>): Workflow | undefined {
  if (!isJsonObject(workflow)) return undefined;
  const parsed = parseWorkflow(workflow, { maxNodes: Number.POSITIVE_INFINITY });
  return parsed.ok ? parsed.value : undefined;
}
