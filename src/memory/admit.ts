import { formatBytes } from "../kernel/bytes.ts";
import type { MemoryCommand } from "./command.ts";
import { evictableBytes, planEviction } from "./evict.ts";
import { sumBytes, takenBytes, usableBytes, type Allocation, type CardLedger } from "./ledger.ts";

export interface ModelNeed {
  /** Its model key. */
  readonly name: string;
  readonly bytes: number;
  /** What loading it takes. */
  readonly reloadMs: number;
}

/** One run that wants to start in a slot. */
export interface MemoryRequest {
  readonly slot: string;
  /** Names the run; what it uses stays until the lease ends. */
  readonly lease: string;
  readonly models: readonly ModelNeed[];
  /** Activations and workspace at their peak. */
  readonly inferenceBytes: number;
  /**
   * The least part of its models that must lie on the card at once, the rest waiting in RAM.
   * Default: all of them.
   */
  readonly leastModelBytes?: number;
  /** 0 to 3. */
  readonly priority: number;
  /** Whether some other card of the deployment has more memory. */
  readonly hasLargerCard: boolean;
}

export type AdmissionDecision =
  | {
      readonly action: "admit";
      /** To be carried out before, in order. */
      readonly commands: readonly MemoryCommand[];
      /** What its models get; less than they weigh where the pool had to be made smaller. */
      readonly modelBytes: number;
      readonly isSmaller: boolean;
      readonly reason: string;
    }
  | {
      /** It fits once other runs have ended. */
      readonly action: "queue";
      readonly neededBytes: number;
      readonly waitsFor: readonly string[];
      readonly reason: string;
    }
  | { readonly action: "larger_card"; readonly neededBytes: number; readonly reason: string }
  | { readonly action: "refuse"; readonly neededBytes: number; readonly reason: string };

/**
 * Whether a run may start now. In this order: as it is; after others left; when runs have ended;
 * on a larger card; with a part of its models in RAM; never.
 */
export function decideAdmission(ledger: CardLedger, request: MemoryRequest): AdmissionDecision {
  const wholeBytes = sumBytes(request.models);
  const neededBytes = wholeBytes + request.inferenceBytes;
  const whole = fit(ledger, request, wholeBytes);
  if (whole !== undefined) return whole;
  const alone = withoutRuns(ledger);
  if (fit(alone, request, wholeBytes) !== undefined) return queued(ledger, neededBytes);
  const size = `${formatBytes(neededBytes)} needed, ${formatBytes(usableBytes(ledger))} usable`;
  if (request.hasLargerCard) return { action: "larger_card", neededBytes, reason: size };
  const leastBytes = Math.min(request.leastModelBytes ?? wholeBytes, wholeBytes);
  // What there is: the process will take it anyway.
  const roomBytes = admissibleBytes(ledger, request.slot) - request.inferenceBytes;
  const smallerBytes = Math.max(leastBytes, Math.min(wholeBytes, roomBytes));
  const smaller = fit(ledger, request, smallerBytes);
  if (smaller !== undefined) return smaller;
  if (fit(alone, request, leastBytes) !== undefined) return queued(ledger, neededBytes);
  const reason = `${size}; no card of the deployment has more`;
  return { action: "refuse", neededBytes, reason };
}

/** The most that a run may need to be admitted at once to `slot`, whatever it uses. */
export function admissibleBytes(ledger: CardLedger, slot: string): number {
  const free = usableBytes(ledger) - takenBytes(ledger, slot);
  return Math.max(0, free + evictableBytes(ledger, { slot, keeps: new Set() }));
}

/** An admission with this much memory for its models, if that is possible without waiting. */
function fit(
  ledger: CardLedger,
  request: MemoryRequest,
  modelBytes: number,
): AdmissionDecision | undefined {
  const { slot, models, inferenceBytes } = request;
  const keeps = new Set(models.map(({ name }) => name));
  const freeBytes = usableBytes(ledger) - takenBytes(ledger, slot);
  const loadBytes = Math.max(0, modelBytes - residentBytes(ledger, slot, keeps));
  // What asks for nothing takes nothing, however full the card is.
  const missing = loadBytes + inferenceBytes === 0 ? 0 : loadBytes + inferenceBytes - freeBytes;
  const isSmaller = modelBytes < sumBytes(models);
  const how = isSmaller ? ` with ${formatBytes(modelBytes)} for its models, the rest in RAM` : "";
  if (missing <= 0) {
    const reason = `fits${how}; ${formatBytes(-missing)} stay free`;
    return { action: "admit", commands: [], modelBytes, isSmaller, reason };
  }
  const plan = planEviction(ledger, { slot, bytes: missing, keeps });
  if (!plan.isEnough) return undefined;
  const reason = `fits${how} after ${formatBytes(plan.freedBytes)} have been freed`;
  return { action: "admit", commands: plan.commands, modelBytes, isSmaller, reason };
}

function queued(ledger: CardLedger, neededBytes: number): AdmissionDecision {
  const waitsFor = [...new Set(ledger.allocations.flatMap(({ leases }) => leases))];
  const reason = `${formatBytes(neededBytes)} needed; waits for ${waitsFor.length} running`;
  return { action: "queue", neededBytes, waitsFor, reason };
}

/** The card as it will be once nothing runs. */
function withoutRuns(ledger: CardLedger): CardLedger {
  const allocations = ledger.allocations
    .filter(({ pool }) => pool !== "inference")
    .map(withoutLeases);
  return { ...ledger, allocations };
}

function withoutLeases(one: Allocation): Allocation {
  return { ...one, leases: [] };
}

function residentBytes(ledger: CardLedger, slot: string, names: ReadonlySet<string>): number {
  return sumBytes(
    ledger.allocations.filter(
      (one) => one.slot === slot && one.pool === "models" && names.has(one.name),
    ),
  );
}
