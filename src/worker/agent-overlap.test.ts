import { describe, expect, test } from "vitest";

import { attachedStack, pictureWorkflow } from "../../test/fakes/worker-stack.ts";

const slow = pictureWorkflow({ steps: 400, step_ms: 10 });

describe("a worker with more than one job in hand", () => {
  test("runs the next prompt while the outputs of the last are still on their way", async () => {
    const { gateway } = await attachedStack({ timings: { inlineBytes: 0 } });
    const release = gateway.blobs.holdPuts();
    const first = gateway.submit(pictureWorkflow());
    const second = gateway.submit(slow);
    await gateway.until(() => second.state === "running", "the second job runs");
    expect(first.end).toBeUndefined();
    release();
    expect((await gateway.endOf(first)).kind).toBe("completed");
    expect(second.end).toBeUndefined();
    expect(gateway.violations).toEqual([]);
  });

  test("hands ComfyUI the next prompt before it is told what came of the last", async () => {
    const { gateway, comfy } = await attachedStack();
    for (let at = 0; at < 4; at++) {
      await gateway.endOf(gateway.submit(pictureWorkflow({ seed: at })));
    }
    const release = comfy.holdHistory();
    const jobs = [8, 9].map((seed) => gateway.submit(pictureWorkflow({ seed })));
    await gateway.until(() => comfy.submissions.length === 6, "both have been posted");
    expect(jobs.map(({ end }) => end)).toEqual([undefined, undefined]);
    release();
    for (const job of jobs) expect((await gateway.endOf(job)).kind).toBe("completed");
    expect(gateway.violations).toEqual([]);
  });

  test("gives a job back that was claimed ahead of one that turns out long", async () => {
    const { gateway } = await attachedStack({ timings: { aheadMs: 50 } });
    for (let at = 0; at < 4; at++) {
      await gateway.endOf(gateway.submit(pictureWorkflow({ seed: at })));
    }
    const long = gateway.submit(slow);
    const waiting = gateway.submit(pictureWorkflow({ seed: 9 }));
    await gateway.until(() => waiting.releases.length > 0, "the waiting job was given back");
    expect(waiting.releases).toEqual(["not_ready"]);
    expect(long.end).toBeUndefined();
    expect((await gateway.endOf(waiting)).kind).toBe("completed");
    expect((await gateway.endOf(long)).kind).toBe("completed");
  });

  test("gives back all its jobs when it is stopped", async () => {
    const { gateway, agent } = await attachedStack();
    for (let at = 0; at < 4; at++) {
      await gateway.endOf(gateway.submit(pictureWorkflow({ seed: at })));
    }
    const jobs = [gateway.submit(slow), gateway.submit(slow)];
    await gateway.until(() => jobs.every(({ heartbeats }) => heartbeats > 0), "it has both");
    await agent.stop(0);
    expect(jobs.map(({ releases }) => releases)).toEqual([["shutdown"], ["shutdown"]]);
  });
});
