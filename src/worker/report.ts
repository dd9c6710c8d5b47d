import type { OutputFile, Preview, ReportRequest, Verdict } from "../protocol/worker-link.ts";
import { pause } from "./retry.ts";
import { advance, startProgress, toJobProgress, type ProgressState } from "./progress.ts";
import type { ComfyEvent } from "./comfyui/frames.ts";
import type { NodeClasses } from "./workflow-nodes.ts";

export interface ReporterOptions {
  readonly classes: NodeClasses;
  readonly intervalMs: number;
  readonly firstMs: number;
  /** One try; what is lost is overtaken by the next report. */
  readonly send: (report: ReportRequest) => Promise<Verdict>;
  readonly onVerdict: (verdict: Verdict) => void;
}

/** A preview is sent in base64, which is a third longer. */
const maxPreviewBytes = 2_900_000;

/**
 * Tells the gateway how a run is going: the latest state only, one report at a time, at most one an
 * interval. The first comes soon, but a run that is over before costs none. Its failures are
 * nobody's.
 */
export class Reporter {
  private readonly options: ReporterOptions;
  private readonly stopping = new AbortController();
  private state: ProgressState;
  private isChanged = false;
  private isFirst = true;
  private preview: Preview | undefined;
  private outputs: OutputFile[] = [];
  private sending: Promise<void> | undefined;

  constructor(options: ReporterOptions) {
    this.options = options;
    this.state = startProgress(options.classes);
  }

  /** The class of the node at work, as far as is known. */
  get currentClass(): string | null {
    return toJobProgress(this.state).currentNodeClass;
  }

  hear(event: ComfyEvent): void {
    if (event.kind === "preview") {
      this.preview = previewOf(event, this.state.currentNode) ?? this.preview;
    } else {
      const next = advance(this.state, event);
      if (next === this.state) return;
      this.state = next;
      this.isChanged = true;
    }
    this.wake();
  }

  /** Says what is being done before ComfyUI is at work, or beside it. */
  say(message: string): void {
    if (this.state.message === message) return;
    this.state = { ...this.state, message };
    this.isChanged = true;
    this.wake();
  }

  stored(outputs: readonly OutputFile[]): void {
    this.outputs.push(...outputs);
    this.wake();
  }

  /** Nothing is sent from now on. */
  stop(): void {
    this.stopping.abort(new Error("stopped"));
  }

  private wake(): void {
    if (this.stopping.signal.aborted) return;
    this.sending ??= this.run().finally(() => {
      this.sending = undefined;
    });
  }

  /** Sends until there is nothing new. Never rejects. */
  private async run(): Promise<void> {
    const { signal } = this.stopping;
    if (this.isFirst) await pause(this.options.firstMs, signal).catch(() => undefined);
    this.isFirst = false;
    while (!signal.aborted && this.hasNews()) {
      const outputs = this.outputs.splice(0, 1_000);
      const report = this.take(outputs);
      try {
        this.options.onVerdict(await this.options.send(report));
      } catch {
        // Outputs are to be told of once each, so those that may be lost are told again.
        this.outputs.unshift(...outputs);
      }
      await pause(this.options.intervalMs, signal).catch(() => undefined);
    }
  }

  private hasNews(): boolean {
    return this.isChanged || this.preview !== undefined || this.outputs.length > 0;
  }

  private take(outputs: OutputFile[]): ReportRequest {
    const { preview } = this;
    this.preview = undefined;
    this.isChanged = false;
    return {
      progress: toJobProgress(this.state),
      ...(preview !== undefined && { preview }),
      ...(outputs.length > 0 && { outputs }),
    };
  }
}

function previewOf(
  event: Extract<ComfyEvent, { kind: "preview" }>,
  currentNode: string | null,
): Preview | undefined {
  if (event.bytes.length > maxPreviewBytes) return undefined;
  const { contentType, bytes } = event;
  const dataBase64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
  return { nodeId: event.nodeId ?? currentNode ?? "", contentType, dataBase64 };
}
