import { Alarm } from "../alarm.ts";
import type { AgentTimings } from "../agent-options.ts";
import { Unreachable } from "../http.ts";
import type { ComfyEvent } from "./frames.ts";
import { isHung } from "./hang.ts";
import type { HistoryEntry } from "./history.ts";
import type { ComfySession } from "./session.ts";

/** How a prompt came to its end, or to the end of our patience. */
export type PromptEnd =
  | { readonly kind: "finished"; readonly entry: HistoryEntry }
  | { readonly kind: "lost"; readonly reason: string }
  | { readonly kind: "hung"; readonly silentMs: number };

export interface WatchOptions {
  readonly session: ComfySession;
  readonly promptId: string;
  readonly timings: AgentTimings;
  readonly signal: AbortSignal;
  readonly onEvent: (event: ComfyEvent) => void;
  /** The class of the node at work, as far as is known. */
  readonly currentClass: () => string | null;
  /** The socket says that it ran well; what it made is not known yet. */
  readonly onRan?: (() => void) | undefined;
}

/** After a hint the entry is there at once or a moment later; these are the waits in between. */
const hintWaitsMs = [1, 2, 5, 10, 20, 50, 100, 200] as const;
/** How many silent looks at the history go by before the queue, a bigger reply, is asked too. */
const looksPerQueueCheck = 5;

/**
 * Waits for the end of a prompt. The websocket is a hint, the history is the truth: it is asked
 * when the socket says that the prompt ended, and regularly while the socket is silent, so that a
 * lost, silent or lying socket neither hangs a job nor ends one falsely. It hears the socket from
 * its construction, so it is made before the prompt is submitted and closed in the end.
 */
export class PromptWatch {
  private readonly options: WatchOptions;
  private readonly alarm = new Alarm();
  private readonly stopListening: () => void;
  private heardMs = performance.now();
  private lookedMs = performance.now();
  private unreachableSinceMs: number | undefined;
  private renewedAtSilenceMs = 0;
  /** How many looks have followed the last hint of an end; undefined without one. */
  private hints: number | undefined;
  private silentLooks = 0;
  /** Whether the socket said anything of this prompt. */
  private hasHeard = false;
  private isFinished = false;
  private cpu: { readonly atMs: number; readonly usedMs: number } | undefined;

  constructor(options: WatchOptions) {
    this.options = options;
    this.stopListening = options.session.socket.listen((event) => this.hear(event));
  }

  /** To be called once the prompt is queued. Throws the reason when the signal aborts. */
  async end(): Promise<PromptEnd> {
    const { session, signal } = this.options;
    this.heardMs = performance.now();
    this.lookedMs = performance.now();
    for (;;) {
      await this.alarm.wait(this.nextLookMs(), [signal, session.gone]);
      signal.throwIfAborted();
      if (session.gone.aborted) return { kind: "lost", reason: "ComfyUI ended while it ran" };
      const end = this.isDue() ? await this.look() : undefined;
      if (end !== undefined) return end;
    }
  }

  close(): void {
    const { socket, gone } = this.options.session;
    this.stopListening();
    // The next prompt shall be heard of: a connection that was deaf to this one stays so.
    if (this.isFinished && !this.hasHeard && !gone.aborted) void socket.renew("nothing");
  }

  private hear(event: ComfyEvent): void {
    const { promptId, onEvent } = this.options;
    if (event.promptId !== null && event.promptId !== promptId) return;
    this.hasHeard ||= event.promptId === promptId;
    // On a reconnect the server says which node runs, without a prompt and without any progress.
    const isSign = event.promptId === promptId || event.kind === "preview" || event.kind === "text";
    if (isSign) this.heardMs = performance.now();
    onEvent(event);
    const isEnd = event.kind === "ended" || (event.kind === "executing" && event.nodeId === null);
    if (!isEnd || event.promptId !== promptId) return;
    if (event.kind === "ended" && event.isSuccess) this.options.onRan?.();
    this.hints = 0;
    this.alarm.ring();
  }

  /** Until the next look if nothing is heard before. */
  private nextLookMs(): number {
    if (this.hints !== undefined) return hintWaitsMs[this.hints] ?? 0;
    const { silenceMs, historyMs } = this.options.timings;
    const silentMs = Math.max(this.heardMs, this.lookedMs) + silenceMs;
    const regularMs = this.lookedMs + historyMs;
    return Math.max(1, Math.ceil(Math.min(silentMs, regularMs) - performance.now()));
  }

  private isDue(): boolean {
    if (this.hints === undefined) return this.nextLookMs() <= 1;
    // The waits between looks grow; when they are used up, the hint was false.
    this.hints = this.hints + 1 < hintWaitsMs.length ? this.hints + 1 : undefined;
    return true;
  }

  private async look(): Promise<PromptEnd | undefined> {
    const { session, promptId, signal, timings } = this.options;
    const wasUnreachable = this.unreachableSinceMs !== undefined;
    try {
      const entry = await session.client.history(promptId, this.anySignal(signal));
      this.lookedMs = performance.now();
      this.unreachableSinceMs = undefined;
      if (entry !== undefined) return this.finish(entry);
      const isSilent = this.silentMs >= timings.silenceMs;
      if (!isSilent && !wasUnreachable) return undefined;
      const isDue = this.silentLooks++ % looksPerQueueCheck === looksPerQueueCheck - 1;
      if (isDue || wasUnreachable) return await this.lookAtQueue();
    } catch (thrown) {
      this.lookedMs = performance.now();
      if (session.gone.aborted) return { kind: "lost", reason: "ComfyUI ended while it ran" };
      if (!(thrown instanceof Unreachable)) throw thrown;
      return this.noteUnreachable(thrown);
    }
    await this.renewSilentSocket();
    return this.judgeSilence();
  }

  private async lookAtQueue(): Promise<PromptEnd | undefined> {
    const { session, promptId, signal } = this.options;
    const watched = this.anySignal(signal);
    const { place, isAnythingRunning } = await session.client.queuePlace(promptId, watched);
    if (place === "absent") {
      // It may have ended between the two questions.
      const entry = await session.client.history(promptId, watched);
      if (entry !== undefined) return this.finish(entry);
      return { kind: "lost", reason: "ComfyUI no longer knows the prompt" };
    }
    // Behind somebody else's prompt it is not ours to judge.
    if (place === "pending" && isAnythingRunning) this.heardMs = performance.now();
    return this.judgeSilence();
  }

  private finish(entry: HistoryEntry): PromptEnd {
    this.isFinished = true;
    return { kind: "finished", entry };
  }

  private noteUnreachable(fault: Unreachable): PromptEnd | undefined {
    const now = performance.now();
    const { unreachableMs, hangMs } = this.options.timings;
    this.unreachableSinceMs ??= now;
    const awayMs = now - this.unreachableSinceMs;
    if (fault.isRefused && awayMs >= unreachableMs) return { kind: "lost", reason: fault.message };
    // Loading can keep a server from answering for a while without being its end.
    return awayMs >= hangMs ? { kind: "hung", silentMs: awayMs } : undefined;
  }

  private async judgeSilence(): Promise<PromptEnd | undefined> {
    const { session, timings, currentClass } = this.options;
    const { hangMs, busyHangMs } = timings;
    const { silentMs } = this;
    if (silentMs < hangMs / 2) {
      this.cpu = undefined;
      return undefined;
    }
    const usedMs = await session.cpuMs();
    const now = performance.now();
    if (this.cpu === undefined && usedMs !== undefined) this.cpu = { atMs: now, usedMs };
    if (silentMs < hangMs) return undefined;
    const elapsedMs = now - (this.cpu?.atMs ?? now);
    const isKnown = usedMs !== undefined && this.cpu !== undefined && elapsedMs > 0;
    const cpuShare = isKnown ? (usedMs - (this.cpu?.usedMs ?? 0)) / elapsedMs : undefined;
    const { isAlive: isSocketAlive } = session.socket;
    const known = { currentClass: currentClass(), cpuShare, isSocketAlive };
    return isHung({ silentMs, ...known, hangMs, busyHangMs })
      ? { kind: "hung", silentMs }
      : undefined;
  }

  /** A live connection may have lost its messages for good; a new one gets them again. */
  private async renewSilentSocket(): Promise<void> {
    const { session, timings } = this.options;
    if (this.silentMs < timings.reconnectSilentMs) {
      this.renewedAtSilenceMs = 0;
      return;
    }
    if (this.silentMs < 2 * this.renewedAtSilenceMs) return;
    this.renewedAtSilenceMs = this.silentMs;
    await session.socket.renew("id");
  }

  private get silentMs(): number {
    return performance.now() - this.heardMs;
  }

  private anySignal(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.options.session.gone]);
  }
}
