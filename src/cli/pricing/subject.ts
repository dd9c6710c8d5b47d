import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

import { gpuVramBytes, type Catalogue } from "../../catalogue/catalogue.ts";
import type { Subject } from "../../cost/advise.ts";
import { guessRunMs } from "../../cost/run-time.ts";
import { formatBytes } from "../../kernel/bytes.ts";
import { formatDurationMs } from "../../kernel/duration.ts";
import { errorMessage } from "../../kernel/errors.ts";
import { parseJson } from "../../kernel/json.ts";
import { parseLock } from "../../models/release-lock.ts";
import type { ModelFile } from "../../workflow/model-ref.ts";
import { parseWorkflow, type Workflow } from "../../workflow/parse.ts";
import { requirementsOf, type Requirements } from "../../workflow/requirements.ts";
import type { CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import type { Io } from "../output.ts";
import { readWorkflow } from "../run/workflow-file.ts";

/** What is known of the work, from flags first, then from the workflow and its lock. */
export interface SubjectFlags {
  readonly workflow: string | undefined;
  readonly lock: string | undefined;
  readonly vramBytes: number | undefined;
  readonly weightsBytes: number | undefined;
  /** One job on a warm worker. */
  readonly runMs: number | undefined;
  /** The card on which that was measured. */
  readonly on: string;
  readonly images: number;
}

export interface KnownSubject {
  readonly subject: Subject;
  /** Null: nothing is known. */
  readonly vramBytes: number | null;
  readonly weightsBytes: number | null;
  readonly requestBytes: number | null;
  readonly runMs: number | null;
  /** In sentences, what had to be assumed. */
  readonly assumptions: readonly string[];
}

const maxNodes = 200_000;
const assumedRunMs = 10_000;
/** An SDXL checkpoint with room to work. */
const assumedWeightsBytes = 7_000_000_000;
const assumedVramBytes = 12_000_000_000;
/** From a network volume or a local disk to the card. */
const loadBytesPerSecond = 1_000_000_000;

/** Gathers what is known and says what had to be assumed. Errors: `usage`. */
export async function subjectOf(
  context: CommandContext,
  catalogue: Catalogue,
  flags: SubjectFlags,
): Promise<KnownSubject> {
  const card = catalogue.gpuById.get(flags.on);
  if (card === undefined) {
    const names = catalogue.gpus.map(({ id }) => id).join(", ");
    throw new CliFailure("usage", `There is no card ${flags.on}; there are ${names}.`);
  }
  const read = flags.workflow === undefined ? undefined : await requirements(context, flags);
  const weightsBytes = flags.weightsBytes ?? read?.needs.vram.weightsBytes ?? null;
  const vramBytes = flags.vramBytes ?? read?.needs.vram.reserveBytes ?? null;
  const runMs = flags.runMs ?? read?.needs.expectedRunMs ?? null;
  const guessedRunMs = read?.guessedRunMs ?? assumedRunMs;
  const assumptions = [
    runMs === null
      ? `a run of ${formatDurationMs(guessedRunMs)} on the ${card.name} (--seconds)`
      : null,
    vramBytes === null ? `${formatBytes(assumedVramBytes)} of video memory (--vram)` : null,
    weightsBytes === null ? `${formatBytes(assumedWeightsBytes)} of weights (--weights)` : null,
    "weights that load at 1 GB/s, cards at their usual speed beside the one measured",
  ].filter((each) => each !== null);
  return {
    vramBytes,
    weightsBytes,
    runMs,
    requestBytes: read?.requestBytes ?? null,
    assumptions,
    subject: {
      referenceRunMs: ((runMs ?? guessedRunMs) * card.speedPermille) / 1_000,
      measuredRunMs: runMs === null ? {} : { [card.id]: runMs },
      vramBytes: vramBytes ?? Math.min(assumedVramBytes, gpuVramBytes(card)),
      weightsBytes: weightsBytes ?? assumedWeightsBytes,
      loadBytesPerSecond,
      imagesPerJob: flags.images,
      shape: {},
    },
  };
}

interface ReadWorkflow {
  readonly needs: Requirements;
  readonly requestBytes: number;
  /** Undefined: the workflow names neither steps nor a size. */
  readonly guessedRunMs: number | undefined;
}

async function requirements(context: CommandContext, flags: SubjectFlags): Promise<ReadWorkflow> {
  const workflow = await readWorkflow(flags.workflow ?? "", context.io);
  const parsed = parseWorkflow(workflow, { maxNodes });
  if (!parsed.ok) throw parsed.error;
  const files = flags.lock === undefined ? [] : await lockedModels(context.io, flags.lock);
  const needs = requirementsOf(parsed.value, null, { files });
  const requestBytes = Buffer.byteLength(JSON.stringify({ workflow }));
  return { needs, requestBytes, guessedRunMs: guess(parsed.value, needs) };
}

function guess(workflow: Workflow, { size }: Requirements): number | undefined {
  const steps = [...workflow.values()].map(({ inputs }) => Number(inputs["steps"] ?? 0));
  const mostSteps = Math.max(0, ...steps.filter((each) => Number.isSafeInteger(each)));
  if (size === null || mostSteps === 0) return undefined;
  const { widthPx, heightPx, frames } = size;
  return guessRunMs({ steps: mostSteps, pixels: widthPx * heightPx, frames });
}

async function lockedModels(io: Io, path: string): Promise<readonly ModelFile[]> {
  let text: string;
  try {
    text = await readFile(resolve(io.folder, path), "utf8");
  } catch (cause) {
    throw new CliFailure("usage", `${path} cannot be read: ${errorMessage(cause)}.`);
  }
  const parsed = parseJson(text, { maxDepth: 64 });
  if (!parsed.ok) throw new CliFailure("usage", `${path} is no lock: ${parsed.error.message}.`);
  const lock = parseLock(parsed.value);
  if (!lock.ok) throw new CliFailure("usage", `${path} is no lock: ${lock.error}.`);
  return lock.value.models;
}
