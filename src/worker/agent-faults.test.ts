import { describe, expect, test } from "vitest";

import { failureOf } from "../../test/fakes/fake-job.ts";
import { attachedStack, pictureWorkflow, spawnedStack } from "../../test/fakes/worker-stack.ts";

const slow = pictureWorkflow({ steps: 60, step_ms: 10 });

describe("a websocket that cannot be trusted", () => {
  test("says nothing: the history still ends the job", async () => {
    const { gateway } = await attachedStack({ faults: { silentSocket: true } });
    expect((await gateway.endOf(gateway.submit(slow))).kind).toBe("completed");
  });

  test("is reset: it comes back under the same id and the job ends well", async () => {
    const { gateway, comfy } = await attachedStack({ faults: { socketResets: 1 } });
    const job = gateway.submit(slow);
    expect((await gateway.endOf(job)).kind).toBe("completed");
    expect(comfy.connections).toBeGreaterThan(1);
    const seen = job.reports.filter(({ progress }) => progress?.steps === 60);
    expect(seen.length).toBeGreaterThan(0);
  });

  test("announces success too early: the job ends when it has ended", async () => {
    const { gateway } = await attachedStack({ faults: { liesAboutSuccess: true } });
    const end = await gateway.endOf(gateway.submit(slow));
    expect(end.kind === "completed" && end.body.outputs.length).toBe(1);
    expect(end.kind === "completed" && end.body.timings.executeMs).toBeGreaterThanOrEqual(600);
  });

  test("said nothing of one job: the next one is heard of", async () => {
    const { gateway, comfy } = await attachedStack({ faults: { silentSocket: true } });
    const deaf = gateway.submit(pictureWorkflow({ seed: 1 }));
    await gateway.until(() => deaf.state === "running");
    comfy.faults.silentSocket = false;
    await gateway.endOf(deaf);
    const heard = gateway.submit(slow);
    await gateway.endOf(heard);
    expect(deaf.reports.length).toBe(0);
    expect(heard.reports.length).toBeGreaterThan(0);
  });

  test("stays silent for long: it is closed and opened again", async () => {
    const { gateway, comfy } = await attachedStack({
      faults: { silentSocket: true },
      timings: { reconnectSilentMs: 150 },
    });
    const job = gateway.submit(slow);
    await gateway.until(() => job.state === "running");
    comfy.faults.silentSocket = false;
    await gateway.endOf(job);
    expect(comfy.connections).toBeGreaterThan(1);
    expect(job.reports.length).toBeGreaterThan(0);
  });
});

describe("a prompt that ComfyUI does not take as it should", () => {
  test("is refused: the failure names node and reason", async () => {
    const { gateway } = await attachedStack();
    const job = gateway.submit({ "7": { class_type: "LoadImage", inputs: { image: "none.png" } } });
    const { failureClass, error } = failureOf(await gateway.endOf(job));
    expect(failureClass).toBe("user");
    expect(error).toMatchObject({ code: "prompt_rejected", nodeId: "7", classType: "LoadImage" });
    expect(error.message).toContain("Invalid image file: none.png");
  });

  test("names a class that is not installed", async () => {
    const { gateway } = await attachedStack();
    const job = gateway.submit({ "1": { class_type: "Mystery", inputs: {} } });
    const { error } = failureOf(await gateway.endOf(job));
    expect(error).toMatchObject({ code: "prompt_rejected", nodeId: "1", classType: "Mystery" });
  });

  test("is taken in part only: it is canceled and refused", async () => {
    const errors = [{ type: "value_not_in_list", message: "Value not in list", details: "ckpt" }];
    const nodeErrors = { "9": { errors, class_type: "Loader", dependent_outputs: [] } };
    const { gateway, comfy } = await attachedStack({ faults: { nodeErrors } });
    const job = gateway.submit(slow);
    const { error } = failureOf(await gateway.endOf(job));
    expect(error).toMatchObject({ code: "prompt_rejected", nodeId: "9" });
    expect(comfy.posts).toContain(`/api/jobs/${job.attemptId}/cancel`);
  });

  test("was queued although the reply was lost: it is not queued twice", async () => {
    const { gateway, comfy } = await attachedStack({ faults: { lostReplies: 1 } });
    expect((await gateway.endOf(gateway.submit(slow))).kind).toBe("completed");
    expect(comfy.submissions.length).toBe(1);
  });
});

describe("a run that fails", () => {
  test("by a node's error: the failure carries node, message and traceback", async () => {
    const error = {
      exception_type: "ValueError",
      exception_message: "bad size",
      traceback: ["line 1\n", "line 2\n"],
    };
    const { gateway } = await attachedStack({ faults: { errors: [error] } });
    const failed = failureOf(await gateway.endOf(gateway.submit(slow)));
    expect(failed.failureClass).toBe("user");
    expect(failed.error).toEqual({
      code: "node_execution_error",
      message: "ValueError: bad size",
      nodeId: "1",
      classType: "Work",
      traceback: "line 1\nline 2\n",
    });
  });

  test("out of memory: ComfyUI's memory is freed and the next job runs", async () => {
    const error = { exception_type: "torch.OutOfMemoryError", exception_message: "Allocation" };
    const { gateway, comfy } = await attachedStack({ faults: { errors: [error] } });
    const failed = failureOf(await gateway.endOf(gateway.submit(slow)));
    expect(failed).toMatchObject({
      failureClass: "out_of_memory",
      error: { code: "out_of_memory" },
    });
    expect(comfy.posts).toContain("/free");
    expect((await gateway.endOf(gateway.submit(pictureWorkflow()))).kind).toBe("completed");
  });

  test("by a sticky GPU fault: ComfyUI is restarted", async () => {
    const error = {
      exception_type: "RuntimeError",
      exception_message: "CUDA error: an illegal memory access was encountered",
    };
    const { gateway } = await spawnedStack({ faults: { errors: [error] } });
    const failed = failureOf(await gateway.endOf(gateway.submit(slow)));
    expect(failed).toMatchObject({ failureClass: "transient", error: { code: "gpu_fault" } });
    await gateway.until(() => gateway.readies.length === 2);
  });

  test("by an interruption that was not ours: it is tried again", async () => {
    const { gateway } = await attachedStack({ faults: { interruptions: 1 } });
    const failed = failureOf(await gateway.endOf(gateway.submit(slow)));
    expect(failed).toMatchObject({ failureClass: "transient", error: { code: "comfyui_crashed" } });
    expect(failed.error.message).toContain("interrupted from outside");
  });

  test("not at all by a blocked output", async () => {
    const { gateway } = await attachedStack({ faults: { blocksOutput: true } });
    expect((await gateway.endOf(gateway.submit(slow))).kind).toBe("completed");
  });

  test("to write its output to the end: empty and cut-off files are no result", async () => {
    const { gateway } = await attachedStack({ faults: { emptyFiles: 1, truncatedFiles: 2 } });
    for (const [seed, word] of [
      [1, "empty"],
      [2, "cut off"],
    ] as const) {
      const failed = failureOf(await gateway.endOf(gateway.submit(pictureWorkflow({ seed }))));
      expect(failed).toMatchObject({ failureClass: "transient", error: { code: "upload_failed" } });
      expect(failed.error.message).toContain(word);
    }
  });

  test("in its time: it is canceled and fails by its deadline", async () => {
    const { gateway, comfy } = await attachedStack({ faults: { hangs: 1 } });
    const job = gateway.submit(slow, { timeoutMs: 200 });
    const failed = failureOf(await gateway.endOf(job));
    expect(failed).toMatchObject({ failureClass: "user", error: { code: "deadline_exceeded" } });
    expect(comfy.posts).toContain(`/api/jobs/${job.attemptId}/cancel`);
  });
});
