import { describe, expect, test } from "vitest";

import { AttemptControl } from "./attempt-control.ts";
import { OpenAttempts } from "./open-attempts.ts";

interface Held {
  executed(tookMs: number): void;
  end(): void;
}

/** Takes on one attempt whose progress the test decides. */
function hold(attempts: OpenAttempts): Held {
  const { promise, resolve } = Promise.withResolvers<void>();
  const held: Held = { executed: () => undefined, end: resolve };
  const control = new AttemptControl({ jobId: crypto.randomUUID(), epoch: 1 });
  attempts.start(control, (executed) => {
    held.executed = executed;
    return promise;
  });
  return held;
}

async function hasRoom(attempts: OpenAttempts): Promise<boolean> {
  const now = new AbortController();
  const room = attempts.room([now.signal]).then(() => !now.signal.aborted);
  await new Promise((resolve) => setImmediate(resolve));
  now.abort();
  return room;
}

async function runShort(attempts: OpenAttempts, count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    const held = hold(attempts);
    held.executed(20);
    held.end();
    await attempts.settled();
  }
}

describe("the attempts of a worker", () => {
  test("leave room for another as soon as ComfyUI is free", async () => {
    const attempts = new OpenAttempts();
    expect(await hasRoom(attempts)).toBe(true);
    const held = hold(attempts);
    expect(await hasRoom(attempts)).toBe(false);
    held.executed(5_000);
    expect(await hasRoom(attempts)).toBe(true);
  });

  test("do not pile up while their outputs are stored", async () => {
    const attempts = new OpenAttempts();
    const [first, second] = [hold(attempts), hold(attempts)];
    first.executed(5_000);
    second.executed(5_000);
    expect(await hasRoom(attempts)).toBe(false);
    first.end();
    expect(await hasRoom(attempts)).toBe(true);
  });

  test("let one more be claimed ahead once several prompts in a row were short", async () => {
    const attempts = new OpenAttempts();
    await runShort(attempts, 3);
    const third = hold(attempts);
    expect(await hasRoom(attempts)).toBe(false);
    third.executed(20);
    third.end();
    await attempts.settled();
    hold(attempts);
    expect(await hasRoom(attempts)).toBe(true);
    hold(attempts);
    expect(await hasRoom(attempts)).toBe(false);
  });

  test("claim nothing ahead any more after one that was long", async () => {
    const attempts = new OpenAttempts();
    await runShort(attempts, 4);
    const long = hold(attempts);
    long.executed(10_000);
    long.end();
    await attempts.settled();
    hold(attempts);
    expect(await hasRoom(attempts)).toBe(false);
  });
});
