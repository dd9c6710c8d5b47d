import { describe, expect, test } from "vitest";

import { failureOf } from "../../test/fakes/fake-job.ts";
import {
  attachedStack,
  pictureWorkflow,
  setFaults,
  spawnedStack,
} from "../../test/fakes/worker-stack.ts";

const slow = pictureWorkflow({ steps: 60, step_ms: 10 });

describe("a ComfyUI that ends or hangs", () => {
  test("crashes: the child is started again and the next job runs", async () => {
    const { gateway } = await spawnedStack({ faults: { crashes: 1 } });
    const failed = failureOf(await gateway.endOf(gateway.submit(slow)));
    expect(failed).toMatchObject({ failureClass: "transient", error: { code: "comfyui_crashed" } });
    await gateway.until(() => gateway.readies.length === 2);
  });

  test("vanishes and comes back without the prompt (attached)", async () => {
    const { gateway, comfy } = await attachedStack();
    const job = gateway.submit(slow);
    await gateway.until(() => job.reports.length > 1);
    comfy.crash();
    await comfy.start();
    const failed = failureOf(await gateway.endOf(job));
    expect(failed).toMatchObject({ failureClass: "transient", error: { code: "comfyui_crashed" } });
    expect((await gateway.endOf(gateway.submit(pictureWorkflow()))).kind).toBe("completed");
  });

  test("vanishes for good (attached): the job fails and nothing more is claimed", async () => {
    const { gateway, comfy } = await attachedStack({ timings: { unreachableMs: 200 } });
    const job = gateway.submit(slow);
    await gateway.until(() => job.reports.length > 1);
    comfy.crash();
    expect(failureOf(await gateway.endOf(job)).error.code).toBe("comfyui_crashed");
    const next = gateway.submit(slow);
    const beats = gateway.heartbeats;
    await gateway.until(() => gateway.heartbeats >= beats + 10);
    expect(next.state).toBe("queued");
  });

  test("hangs: it is interrupted, and a process that does not obey is killed", async () => {
    const { gateway, comfyUrl } = await spawnedStack({
      timings: { hangMs: 300, busyHangMs: 1_000, hangGraceMs: 200 },
    });
    await gateway.until(() => gateway.readies.length === 1);
    await setFaults(comfyUrl, { hangs: 1, ignoresInterrupts: true });
    const failed = failureOf(await gateway.endOf(gateway.submit(slow)));
    expect(failed).toMatchObject({ failureClass: "transient", error: { code: "hang" } });
    expect(failed.error.message).toContain("Work");
    await gateway.until(() => gateway.readies.length === 2);
    expect((await gateway.endOf(gateway.submit(pictureWorkflow()))).kind).toBe("completed");
  });

  test("hangs (attached): nothing is claimed before the stray prompt has ended", async () => {
    const { gateway, comfy } = await attachedStack({
      faults: { hangs: 1, ignoresInterrupts: true },
      timings: { hangMs: 200, busyHangMs: 400, hangGraceMs: 100, cancelMs: 200 },
    });
    const failed = failureOf(await gateway.endOf(gateway.submit(slow)));
    expect(failed.error.code).toBe("hang");
    const next = gateway.submit(pictureWorkflow());
    const beats = gateway.heartbeats;
    await gateway.until(() => gateway.heartbeats >= beats + 6);
    expect(next.state).toBe("queued");
    comfy.faults.ignoresInterrupts = false;
    expect((await gateway.endOf(next)).kind).toBe("completed");
  });

  test("takes long to start: nothing is claimed before", async () => {
    const { gateway } = await spawnedStack({ startMs: 1_000 });
    const job = gateway.submit(pictureWorkflow());
    await gateway.until(() => gateway.heartbeats >= 3);
    expect(gateway.readies.length).toBe(0);
    expect(job.state).toBe("queued");
    expect((await gateway.endOf(job)).kind).toBe("completed");
  });
});

describe("a cancel", () => {
  test("ends a running prompt, and is confirmed when it has ended", async () => {
    const { gateway, comfy } = await attachedStack();
    const job = gateway.submit(pictureWorkflow({ steps: 1_000, step_ms: 10 }));
    await gateway.until(() => job.reports.length > 0);
    job.state = "canceling";
    expect((await gateway.endOf(job)).kind).toBe("canceled");
    expect(comfy.isBusy).toBe(false);
  });

  test("that is lost in ComfyUI is repeated", async () => {
    const { gateway, comfy } = await attachedStack({ faults: { lostCancels: 2 } });
    const job = gateway.submit(pictureWorkflow({ steps: 1_000, step_ms: 10 }));
    await gateway.until(() => job.reports.length > 0);
    job.state = "canceling";
    expect((await gateway.endOf(job)).kind).toBe("canceled");
    expect(comfy.posts.filter((path) => path.endsWith("/cancel")).length).toBeGreaterThan(2);
  });

  test("reaches a server without a route for it", async () => {
    const { gateway, comfy } = await attachedStack({ faults: { hasNoCancelRoute: true } });
    const job = gateway.submit(pictureWorkflow({ steps: 1_000, step_ms: 10 }));
    await gateway.until(() => job.reports.length > 0);
    job.state = "canceling";
    expect((await gateway.endOf(job)).kind).toBe("canceled");
    expect(comfy.posts).toEqual(expect.arrayContaining(["/queue", "/interrupt"]));
  });

  test("that ComfyUI does not obey ends in its restart", async () => {
    const { gateway } = await spawnedStack({
      faults: { hangs: 1, ignoresInterrupts: true },
      timings: { cancelMs: 300 },
    });
    const job = gateway.submit(slow);
    await gateway.until(() => job.state === "running");
    job.state = "canceling";
    expect((await gateway.endOf(job)).kind).toBe("canceled");
    await gateway.until(() => gateway.readies.length === 2);
  });
});
