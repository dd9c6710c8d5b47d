import { Worker } from "node:worker_threads";

import type { Placement } from "./durable.ts";
import type { PlaceAnswer } from "./place-thread.ts";

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (fault: Error) => void;
}

/** The thread that puts files in their places, begun with the first and begun anew if it dies. */
class Placer {
  private thread: Worker | undefined;
  /** Answers come in the order asked. */
  private waiting: Waiting[] = [];

  place(placement: Placement): Promise<void> {
    this.thread ??= this.start();
    const { thread } = this;
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      thread.ref();
      thread.postMessage(placement, []);
    });
  }

  private start(): Worker {
    // With the environment of now: an installed package adds a loader to it.
    const thread = new Worker(new URL("./place-thread.ts", import.meta.url), { env: process.env });
    let fault = new Error("the thread that stores files has ended");
    thread.on("message", (answer: PlaceAnswer) => this.hear(thread, answer));
    thread.on("error", (thrown) => {
      fault = thrown instanceof Error ? thrown : fault;
    });
    thread.on("exit", () => {
      this.thread = undefined;
      for (const asked of this.waiting.splice(0)) asked.reject(fault);
    });
    return thread;
  }

  private hear(thread: Worker, answer: PlaceAnswer): void {
    const asked = this.waiting.shift();
    if (answer.ok) asked?.resolve();
    else asked?.reject(Object.assign(new Error(answer.message), { code: answer.code }));
    // A process with nothing else to do may end.
    if (this.waiting.length === 0) thread.unref();
  }
}

const placer = new Placer();

/** Does what `durable.ts` says in a thread of its own, one file after another. */
export function placeAside(placement: Placement): Promise<void> {
  return placer.place(placement);
}
