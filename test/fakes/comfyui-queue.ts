import type { FakePrompt, FakeResult } from "./comfyui-run.ts";

interface HistoryItem extends FakeResult {
  readonly prompt: FakePrompt;
}

/** What a fake ComfyUI has in memory: prompts that wait, the one that runs, and those that ended. */
export class FakeQueue {
  running: FakePrompt | undefined;
  private pending: FakePrompt[] = [];
  private readonly history = new Map<string, HistoryItem>();

  add(prompt: FakePrompt): void {
    this.pending.push(prompt);
  }

  /** The next prompt, which runs from now on; undefined while another does. */
  takeNext(): FakePrompt | undefined {
    if (this.running !== undefined) return undefined;
    this.running = this.pending.shift();
    return this.running;
  }

  end(prompt: FakePrompt, result: FakeResult): void {
    this.history.set(prompt.promptId, { ...result, prompt });
    this.running = undefined;
  }

  dequeue(promptId: string): boolean {
    const before = this.pending.length;
    this.pending = this.pending.filter((prompt) => prompt.promptId !== promptId);
    return this.pending.length < before;
  }

  interrupt(promptId: string): boolean {
    if (this.running?.promptId !== promptId) return false;
    this.running.isInterrupted = true;
    return true;
  }

  /** As `/queue` tells it. */
  places(): unknown {
    const item = ({ promptId, workflow }: FakePrompt): unknown[] => [0, promptId, workflow, {}, []];
    const running = this.running === undefined ? [] : [item(this.running)];
    return { queue_running: running, queue_pending: this.pending.map(item) };
  }

  /** As `/history/{id}` tells it. */
  entry(promptId: string): unknown {
    const item = this.history.get(promptId);
    if (item === undefined) return {};
    const { status, messages, outputs, prompt } = item;
    const told = { status_str: status, completed: status === "success", messages };
    const tuple = [0, promptId, prompt.workflow, {}, []];
    return { [promptId]: { prompt: tuple, outputs, status: told, meta: {} } };
  }
}
