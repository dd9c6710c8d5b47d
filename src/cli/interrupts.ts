/** A terminal's Ctrl-C may reach us twice, directly and through a parent. */
const echoMs = 300;

export interface Interrupts {
  /** Aborts at the first request to stop. */
  readonly first: AbortSignal;
  /** Aborts at the second one: whoever asks twice will not wait. */
  readonly second: AbortSignal;
  close(): void;
}

/** Counts SIGINT, SIGTERM, and SIGHUP, which comes when the terminal closes. */
export function listenForInterrupts(): Interrupts {
  const first = new AbortController();
  const second = new AbortController();
  let lastAtMs = -Infinity;
  const listener = (): void => {
    const nowMs = performance.now();
    const isEcho = nowMs - lastAtMs < echoMs;
    lastAtMs = nowMs;
    if (isEcho) return;
    if (first.signal.aborted) second.abort();
    else first.abort();
  };
  process.on("SIGINT", listener);
  process.on("SIGTERM", listener);
  process.on("SIGHUP", listener);
  return {
    first: first.signal,
    second: second.signal,
    close: () => {
      process.off("SIGINT", listener);
      process.off("SIGTERM", listener);
      process.off("SIGHUP", listener);
    },
  };
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
