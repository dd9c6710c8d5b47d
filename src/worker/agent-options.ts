import type { ModelStore } from "../models/io/store.ts";
import type { Logger } from "../observability/logger.ts";
import { maxInlineBytes } from "../protocol/worker-link.ts";
import type { CardKeeper } from "./memory/card-keeper.ts";

/** A ComfyUI that somebody else runs, or one that the agent starts and restarts itself. */
export type ComfyuiTarget =
  | { readonly kind: "attach"; readonly url: string }
  | {
      readonly kind: "spawn";
      readonly command: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
      readonly cwd?: string;
      /** Where it is going to listen. */
      readonly url: string;
      /** The folder of its `input/`, `output/` and `temp/`. */
      readonly baseDirectory: string;
      /** The folder of its models; default: `models` in the base directory. */
      readonly modelsDirectory?: string;
    };

export interface AgentOptions {
  /** Base URL of the gateway, without a slash at its end. */
  readonly gatewayUrl: string;
  readonly enrollmentToken?: string;
  /** The token of a worker on the same card, by whose word this one may enrol. */
  readonly besideWorker?: Promise<string>;
  /** Told the token that this worker was given, for others to enrol beside it. */
  readonly onEnrolled?: (workerToken: string) => void;
  readonly deployment?: string;
  readonly name: string;
  /** The platform's name of the instance that it runs in. */
  readonly externalId?: string;
  readonly comfyui: ComfyuiTarget;
  /** The agent's own scratch folder. */
  readonly folder: string;
  readonly logger: Logger;
  /** The card that its ComfyUI runs on, where it shares one; default: one of its own. */
  readonly card?: { readonly keeper: CardKeeper; readonly slot: string };
  /**
   * The agent leaves after this long without any word from the gateway, so that a rented machine
   * is not paid for nothing. Default 600,000 with an enrolment token, never without.
   */
  readonly deadmanMs?: number;
  readonly timings?: Partial<AgentTimings>;
  /** An idle ComfyUI is given tiny pictures to make for this long after its last job. */
  readonly keepAliveMs?: number;
  /** Where model files come from; absent: the ComfyUI has what it has. */
  readonly models?: {
    readonly store: ModelStore;
    /** ComfyUI's `models` folder, where it is not the one of a ComfyUI that the agent starts. */
    readonly folder?: string;
  };
}

export interface AgentExit {
  readonly reason: "drained" | "stopped" | "deadman" | "refused";
  readonly detail?: string;
}

/** Every duration that the agent waits for, and every bound it keeps. */
export interface AgentTimings {
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  readonly claimWaitMs: number;
  /** How long a job claimed ahead waits for the one before it; then it goes back. */
  readonly aheadMs: number;
  readonly linkTimeoutMs: number;
  /** Between looks at a ComfyUI that is not ready yet. */
  readonly probeMs: number;
  /** Between looks at an idle ComfyUI. */
  readonly healthMs: number;
  readonly restartMinMs: number;
  readonly restartMaxMs: number;
  /** From SIGTERM to SIGKILL of the child. */
  readonly killMs: number;
  /** A socket that says nothing for this long is doubted, and the history asked instead. */
  readonly silenceMs: number;
  /** Between looks at the history however much the socket says. */
  readonly historyMs: number;
  readonly reconnectSilentMs: number;
  readonly hangMs: number;
  /** The limit while a loader runs, or while the process is visibly at work. */
  readonly busyHangMs: number;
  /** How long an interrupted hang may take to end before the process is killed. */
  readonly hangGraceMs: number;
  readonly cancelRepeatMs: number;
  readonly cancelMs: number;
  /** A ComfyUI that cannot be reached for this long has lost its prompt. */
  readonly unreachableMs: number;
  readonly firstReportMs: number;
  readonly reportMs: number;
  readonly stopGraceMs: number;
  readonly keepAliveIntervalMs: number;
  /** Between looks at what models the deployment and its queue need. */
  readonly modelPollMs: number;
  /** Outputs of at most this many bytes together travel with the completion. */
  readonly inlineBytes: number;
}

export const defaultTimings: AgentTimings = {
  retryMinMs: 200,
  retryMaxMs: 5_000,
  claimWaitMs: 25_000,
  aheadMs: 1_000,
  linkTimeoutMs: 30_000,
  probeMs: 250,
  healthMs: 5_000,
  restartMinMs: 500,
  restartMaxMs: 30_000,
  killMs: 5_000,
  silenceMs: 1_000,
  historyMs: 10_000,
  reconnectSilentMs: 30_000,
  hangMs: 120_000,
  busyHangMs: 600_000,
  hangGraceMs: 10_000,
  cancelRepeatMs: 1_000,
  cancelMs: 10_000,
  unreachableMs: 30_000,
  firstReportMs: 50,
  reportMs: 500,
  stopGraceMs: 20_000,
  keepAliveIntervalMs: 30_000,
  modelPollMs: 10_000,
  inlineBytes: maxInlineBytes,
};

export const defaultDeadmanMs = 600_000;
