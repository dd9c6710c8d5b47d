import { describe, expect, test } from "vitest";

import { PromptLane } from "./prompt-lane.ts";

const never = new AbortController().signal;

describe("the lane to ComfyUI", () => {
  test("lets one in at a time, first come, first served", async () => {
    const lane = new PromptLane();
    const seen: string[] = [];
    const leaveFirst = await lane.take(never);
    const others = ["second", "third"].map(async (name) => {
      const leave = await lane.take(never);
      seen.push(name);
      leave();
    });
    expect(seen).toEqual([]);
    leaveFirst();
    await Promise.all(others);
    expect(seen).toEqual(["second", "third"]);
  });

  test("is left once, however often that is said", async () => {
    const lane = new PromptLane();
    const leaveFirst = await lane.take(never);
    leaveFirst();
    const leaveSecond = await lane.take(never);
    leaveFirst();
    let isIn = false;
    const third = lane.take(never).then(() => (isIn = true));
    await Promise.resolve();
    expect(isIn).toBe(false);
    leaveSecond();
    expect(await third).toBe(true);
  });

  test("forgets who gave up waiting", async () => {
    const lane = new PromptLane();
    const leave = await lane.take(never);
    const patience = new AbortController();
    const lost = lane.take(patience.signal);
    const next = lane.take(never);
    patience.abort(new Error("no longer"));
    await expect(lost).rejects.toThrow("no longer");
    leave();
    expect(await next).toBeTypeOf("function");
  });
});
