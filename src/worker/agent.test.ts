import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { onePixelPng } from "../../test/fakes/comfyui-run.ts";
import { resultOf } from "../../test/fakes/fake-job.ts";
import { attachedStack, pictureWorkflow, spawnedStack } from "../../test/fakes/worker-stack.ts";

for (const start of [attachedStack, spawnedStack]) {
  describe(`a healthy worker (${start.name})`, () => {
    test("runs a job from claim to result", async () => {
      const { gateway } = await start();
      const job = gateway.submit(pictureWorkflow());
      const { outputs, timings } = resultOf(await gateway.endOf(job));
      expect(outputs.map(({ nodeId, name, type }) => ({ nodeId, name, type }))).toEqual([
        { nodeId: "2", name: "fake_1_.png", type: "image" },
      ]);
      expect(gateway.bytesOf(outputs[0]!)).toEqual(onePixelPng);
      const phases = ["executeMs", "processMs", "stageMs", "uploadMs"];
      expect(Object.keys(timings).sort()).toEqual(phases);
      expect(gateway.violations).toEqual([]);
    });

    test("places inputs under names of their content before the prompt runs", async () => {
      const { gateway } = await start();
      const workflow = {
        "1": { class_type: "LoadImage", inputs: { image: "asset-1" } },
        "2": { class_type: "SaveImage", inputs: { image: ["1", 0] } },
      };
      const bytes = Buffer.concat([onePixelPng, Buffer.from("mine")]);
      const input = gateway.addInput(["1", "inputs", "image"], "../my photo [output].png", bytes);
      const job = gateway.submit(workflow, { inputs: [input] });
      const { outputs } = resultOf(await gateway.endOf(job));
      expect(gateway.bytesOf(outputs[0]!)).toEqual(bytes);
      const again = gateway.submit(workflow, {
        inputs: [{ ...input, url: `${gateway.url}/none` }],
      });
      expect((await gateway.endOf(again)).kind).toBe("completed");
    });

    test("stores many outputs in order, equal ones once, and reports those stored first", async () => {
      const { gateway } = await start();
      const nodes = Array.from({ length: 20 }, (_one, index) => [
        String(index),
        { class_type: "SaveImage", inputs: { prefix: `p${index % 15}`, index, bytes: 100 } },
      ]);
      const job = gateway.submit(Object.fromEntries(nodes) as Record<string, unknown>);
      const { outputs } = resultOf(await gateway.endOf(job));
      expect(outputs.map(({ nodeId }) => nodeId)).toEqual(nodes.map(([id]) => id));
      expect(new Set(outputs.map(({ key }) => key)).size).toBe(15);
      expect(job.reportedOutputs).toEqual(outputs.slice(0, job.reportedOutputs.length));
      expect(gateway.violations).toEqual([]);
    });

    test("stores a file too big to hold in memory", async () => {
      const { gateway, folder } = await start();
      const workflow = pictureWorkflow({}, { bytes: 9_000_000, extension: "mp4" });
      const { outputs } = resultOf(await gateway.endOf(gateway.submit(workflow)));
      expect(outputs[0]).toMatchObject({ type: "video", sizeBytes: 9_000_000 });
      expect(gateway.violations).toEqual([]);
      const scratch = join(folder, "agent", "outputs");
      expect(await readdir(scratch).catch(() => [])).toEqual([]);
    });

    test("takes the files that a cached run names, and makes them again when they are gone", async () => {
      const { gateway, folder } = await start();
      const first = resultOf(await gateway.endOf(gateway.submit(pictureWorkflow())));
      const second = resultOf(await gateway.endOf(gateway.submit(pictureWorkflow())));
      expect(second.outputs[0]?.name).toBe(first.outputs[0]?.name);
      await rm(join(folder, "comfy", "output"), { recursive: true });
      const third = resultOf(await gateway.endOf(gateway.submit(pictureWorkflow())));
      expect(third.outputs[0]?.name).toBe("fake_2_.png");
      expect(gateway.violations).toEqual([]);
    });
  });
}

describe("a healthy worker", () => {
  test("tells what its ComfyUI is and which inputs name files", async () => {
    const { gateway } = await attachedStack();
    await gateway.until(() => gateway.readies.length === 1);
    expect(gateway.readies[0]).toMatchObject({ comfyuiVersion: "0.33.0", kind: "comfyui" });
    expect(gateway.readies[0]?.devices[0]).toMatchObject({ name: "cpu", vramTotalBytes: 1024 });
    expect(gateway.readies[0]?.nodes["LoadImage"]).toEqual({
      isOutput: false,
      fileInputs: ["image"],
    });
    expect(gateway.readies[0]?.nodes["SaveImage"]?.isOutput).toBe(true);
  });

  test("beats while it is idle and while it works", async () => {
    const { gateway } = await attachedStack();
    await gateway.until(() => gateway.heartbeats >= 3);
    const job = gateway.submit(pictureWorkflow({ steps: 30, step_ms: 10 }));
    await gateway.until(() => job.state === "running");
    const before = gateway.heartbeats;
    await gateway.endOf(job);
    expect(gateway.heartbeats).toBeGreaterThan(before);
  });

  test("reports progress that grows, with previews, the first at once", async () => {
    const { gateway } = await attachedStack({ timings: { reportMs: 30 } });
    const job = gateway.submit(pictureWorkflow({ steps: 40, step_ms: 5 }));
    await gateway.endOf(job);
    const values = job.reports.map(({ progress }) => progress?.value ?? 0);
    expect(values.length).toBeGreaterThan(2);
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(job.reports[0]?.progress).toMatchObject({ nodesTotal: 2, nodesDone: 0 });
    expect(job.reports.some(({ progress }) => progress?.steps === 40)).toBe(true);
    const preview = job.reports.find((report) => report.preview !== undefined)?.preview;
    expect(preview).toMatchObject({ nodeId: "1", contentType: "image/jpeg" });
    expect(Buffer.from(preview?.dataBase64 ?? "", "base64")).toEqual(onePixelPng);
  });

  test("sends nothing between the run of one small output and its completion", async () => {
    const { gateway } = await attachedStack({ timings: { reportMs: 60_000 } });
    const job = gateway.submit(pictureWorkflow());
    await gateway.endOf(job);
    expect(job.verbs.filter((verb) => verb !== "report")).toEqual(["complete"]);
    expect(job.verbs.filter((verb) => verb === "report").length).toBeLessThanOrEqual(1);
  });

  test("hands credentials for partner nodes to ComfyUI and asks for previews", async () => {
    const { gateway, comfy } = await attachedStack();
    const job = gateway.submit(pictureWorkflow(), { extraData: { api_key_comfy_org: "k" } });
    await gateway.endOf(job);
    expect(comfy.submissions[0]).toMatchObject({
      prompt_id: job.attemptId,
      extra_data: { api_key_comfy_org: "k", preview_method: "auto" },
    });
  });

  test("stores text, and a preview only where nothing was saved", async () => {
    const { gateway } = await attachedStack();
    const preview = { class_type: "PreviewImage", inputs: {} };
    const text = { class_type: "PreviewText", inputs: { text: "hello" } };
    const only = gateway.submit({ "3": preview, "5:1": text });
    const kept = resultOf(await gateway.endOf(only)).outputs;
    expect(kept.map(({ name, type }) => [name, type])).toEqual([
      ["fake_1_.png", "image"],
      ["5-1-1.txt", "text"],
    ]);
    expect(gateway.bytesOf(kept[1]!)?.toString()).toBe("hello");
    const both = gateway.submit({ "3": preview, "4": { class_type: "SaveImage", inputs: {} } });
    const saved = resultOf(await gateway.endOf(both)).outputs;
    expect(saved.map(({ nodeId }) => nodeId)).toEqual(["4"]);
  });

  test("sends what the process wrote during the attempt, and nothing of before", async () => {
    const { gateway } = await spawnedStack({ faults: { errors: [{ exception_message: "no" }] } });
    const end = await gateway.endOf(gateway.submit(pictureWorkflow()));
    expect(end.kind === "failed" && end.body.log).toBeNull();
  });
});
