import { randomUUID } from "node:crypto";

import type {
  Assignment,
  CompleteRequest,
  FailRequest,
  OutputFile,
  ReportRequest,
  Verdict,
} from "../../src/protocol/worker-link.ts";

/** How a job of the fake gateway ended, with what the worker said. */
export type FakeEnd =
  | { readonly kind: "completed"; readonly body: CompleteRequest }
  | { readonly kind: "failed"; readonly body: FailRequest }
  | { readonly kind: "canceled" };

export interface FakeJobOptions {
  readonly inputs?: Assignment["inputs"];
  readonly extraData?: Record<string, string>;
  readonly timeoutMs?: number;
}

/** A job of the fake gateway and all that a worker said of it. */
export class FakeJob {
  readonly jobId = randomUUID();
  readonly attemptId = randomUUID();
  readonly workflow: Assignment["workflow"];
  readonly options: FakeJobOptions;
  epoch = 0;
  workerId: string | undefined;
  state: "queued" | "running" | "canceling" | "released" | "ended" = "queued";
  readonly reports: ReportRequest[] = [];
  readonly releases: string[] = [];
  /** What the worker asked of the attempt, in order. */
  readonly verbs: string[] = [];
  /** Heartbeats that named its attempt. */
  heartbeats = 0;
  end: FakeEnd | undefined;

  constructor(workflow: Assignment["workflow"], options: FakeJobOptions) {
    this.workflow = workflow;
    this.options = options;
  }

  get assignment(): Assignment {
    const { jobId, epoch, attemptId, workflow, options } = this;
    const { inputs = [], extraData = {}, timeoutMs = 60_000 } = options;
    return { jobId, epoch, attemptId, workflow, inputs, extraData, timeoutMs };
  }

  /** Outputs told of before the end. */
  get reportedOutputs(): readonly OutputFile[] {
    return this.reports.flatMap(({ outputs }) => outputs ?? []);
  }

  verdictFor(workerId: string, epoch: number): Verdict {
    const isOurs = this.workerId === workerId && this.epoch === epoch;
    if (!isOurs || this.state === "ended") return "stale";
    return this.state === "canceling" ? "cancel" : "continue";
  }

  /** The job is somebody else's from now on. */
  supersede(): void {
    this.epoch++;
    this.workerId = "another";
  }
}

/** What a worker said of a job that it failed. Throws for any other end. */
export function failureOf(end: FakeEnd): FailRequest {
  if (end.kind === "failed") return end.body;
  throw new Error(`not failed: ${JSON.stringify(end)}`);
}

/** What a worker said of a job that it completed. Throws for any other end. */
export function resultOf(end: FakeEnd): CompleteRequest {
  if (end.kind === "completed") return end.body;
  throw new Error(`not completed: ${JSON.stringify(end)}`);
}
