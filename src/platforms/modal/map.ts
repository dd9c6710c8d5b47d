import type { CallFailure } from "../calls.ts";
import type { Hardware } from "../platform.ts";

/** The deployed function whose calls are our instances. */
export interface ModalPlace {
  readonly app: string;
  readonly function: string;
  /** Null: the one of the profile. */
  readonly environment: string | null;
  readonly offer: Hardware;
  /** What the function is to be set to; every `modal deploy` resets it. */
  readonly autoscaler: ModalAutoscaler;
}

export interface ModalAutoscaler {
  readonly minContainers: number;
  readonly maxContainers: number;
  readonly bufferContainers: number;
  readonly scaledownWindowMs: number;
}

/** The settings in effect, as Modal's API gives them; seconds, and absent where unset. */
export interface ModalSettings {
  readonly minContainers?: number | undefined;
  readonly maxContainers?: number | undefined;
  readonly bufferContainers?: number | undefined;
  readonly scaledownWindow?: number | undefined;
}

/** What is set otherwise than it should be, as one sentence; undefined where nothing is. */
export function driftOf(found: ModalSettings, place: ModalPlace): string | undefined {
  const { autoscaler } = place;
  const pairs = [
    ["min containers", found.minContainers ?? 0, autoscaler.minContainers],
    ["max containers", found.maxContainers ?? 0, autoscaler.maxContainers],
    ["buffer containers", found.bufferContainers ?? 0, autoscaler.bufferContainers],
    ["scaledown window", found.scaledownWindow ?? 0, autoscaler.scaledownWindowMs / 1_000],
  ] as const;
  const moved = pairs.filter(([, is, wanted]) => is !== wanted);
  if (moved.length === 0) return undefined;
  const changes = moved.map(([name, is]) => `${name} ${is}`).join(", ");
  return `function ${place.app}/${place.function} had ${changes}; they are as configured again`;
}

/** gRPC's numbers. */
const codes = {
  invalid: 3,
  notFound: 5,
  denied: 7,
  exhausted: 8,
  precondition: 9,
  unknownCaller: 16,
};
const refusals = new Set([codes.invalid, codes.denied, codes.precondition, codes.unknownCaller]);

/** What an error of the client means. Capacity is no error at Modal: calls wait in its queue. */
export function failureOf(thrown: unknown): CallFailure {
  const { code, name, message, details } = (thrown ?? {}) as {
    code?: unknown;
    name?: string;
    message?: string;
    details?: string;
  };
  const reason = details ?? message ?? "no reason given";
  if (code === codes.notFound || name === "NotFoundError") return { kind: "missing" };
  const isRefusal = typeof code === "number" && refusals.has(code);
  if (isRefusal && /spend|quota|budget|limit/iu.test(reason)) return { kind: "quota", reason };
  if (isRefusal || name === "InvalidError") return { kind: "refused", reason };
  if (code === codes.exhausted || name === "ResourceExhaustedError") {
    return { kind: "throttled", retryAfterMs: null };
  }
  return { kind: "unreachable" };
}

/** Whether waiting for a call's result failed because the call has not ended. */
export function isStillRunning(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "TimeoutError";
}
