import { CallWrapper, ComfyApi, PromptBuilder } from "@saintno/comfyui-sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import sharp from "sharp";
import {
  solidPng,
  startTestEngine,
  submit,
  type TestEngine,
} from "../../src/engine/engine-client.suite.ts";

let engine: TestEngine;
let api: ComfyApi;

beforeAll(async () => {
  engine = await startTestEngine();
  api = new ComfyApi(engine.engine.url, "saintno-tests").init();
  await once("connected");
  await api.waitForReady();
});

afterAll(async () => {
  api.destroy();
  await engine[Symbol.asyncDispose]();
});

function once(type: "connected"): Promise<unknown> {
  return new Promise((resolve) => {
    const off = api.on(type, (event) => {
      off();
      resolve(event);
    });
  });
}

interface Picture {
  readonly filename: string;
  readonly subfolder: string;
  readonly type: string;
}

const sampler = {
  1: {
    class_type: "HearthSampler",
    inputs: { seed: 1, steps: 4, width: 32, height: 16, step_ms: 5 },
    _meta: { title: "Sampler" },
  },
  2: {
    class_type: "SaveImage",
    inputs: { images: ["1", 0], filename_prefix: "saintno" },
    _meta: { title: "Save" },
  },
};

function builder(seed: number, stepMs = 5) {
  return new PromptBuilder(structuredClone(sampler), ["seed", "step_ms"], ["images"])
    .setInputNode("seed", "1.inputs.seed")
    .setInputNode("step_ms", "1.inputs.step_ms")
    .setOutputNode("images", "2")
    .input("seed", seed)
    .input("step_ms", stepMs);
}

/**
 * Runs a builder behind another prompt, which ends once the client listens: it does not see what
 * comes before, from any server.
 */
async function runBehindAnother<R>(start: (onPending: () => void) => Promise<R>): Promise<R> {
  const blocker = await submit(engine, {
    1: { ...sampler[1], inputs: { ...sampler[1].inputs, steps: 1000, step_ms: 1000 } },
    2: { class_type: "PreviewImage", inputs: { images: ["1", 0] } },
  });
  const running = new Promise<Promise<R>[]>((resolve) => {
    const runs: Promise<R>[] = [];
    runs.push(start(() => resolve(runs)));
  });
  const [run] = await running;
  await api.getQueue();
  await engine.post(`/api/jobs/${blocker}/cancel`);
  if (run === undefined) throw new Error("nothing was started");
  return run;
}

describe("@saintno/comfyui-sdk against the engine", () => {
  it("runs a prompt with progress, previews and the saved picture", async () => {
    const progress: number[] = [];
    const previews: Blob[] = [];
    const seen: string[] = [];
    const result = await runBehindAnother((onPending) =>
      new CallWrapper(api, builder(11, 50))
        .onPending(() => {
          seen.push("pending");
          onPending();
        })
        .onStart(() => seen.push("start"))
        .onProgress(({ value }) => progress.push(value))
        .onPreview((preview) => previews.push(preview))
        .onFinished(() => seen.push("finished"))
        .onFailed((error) => seen.push(String(error)))
        .run(),
    );
    expect(seen).toEqual(["pending", "start", "finished"]);
    expect(progress.at(-1)).toBe(4);
    expect(previews.length).toBeGreaterThan(0);
    const preview = Buffer.from(await (previews[0] ?? new Blob([])).arrayBuffer());
    expect((await sharp(preview).metadata()).format).toBe("jpeg");
    if (result === undefined || result === false) throw new Error("the run failed");
    const { images } = result.images as { images: Picture[] };
    expect(images).toMatchObject([{ filename: "saintno_00001_.png", type: "output" }]);
    const blob = await api.getImage(images[0]!);
    const { width, height } = await sharp(Buffer.from(await blob.arrayBuffer())).metadata();
    expect([width, height]).toEqual([32, 16]);
  });

  it("gets the old picture for an identical prompt", async () => {
    const first = await new CallWrapper(api, builder(12)).run();
    const second = await new CallWrapper(api, builder(12)).run();
    expect(second).toEqual(first);
  });

  it("uploads a picture and uses it", async () => {
    const uploaded = await api.uploadImage(await solidPng(6, 4, [9, 8, 7]), "six.png", {
      subfolder: "mine",
    });
    if (uploaded === false) throw new Error("the upload failed");
    expect(uploaded.info).toMatchObject({ filename: "six.png", subfolder: "mine", type: "input" });
    expect((await fetch(uploaded.url)).status).toBe(200);
    const prompt = {
      1: { class_type: "LoadImage", inputs: { image: "mine/six.png" }, _meta: { title: "a" } },
      2: {
        class_type: "PreviewImage",
        inputs: { images: ["1", 0] },
        _meta: { title: "b" },
      },
    };
    const workflow = new PromptBuilder(prompt, [], ["images"]).setOutputNode("images", "2");
    const result = await new CallWrapper(api, workflow).run();
    if (result === undefined || result === false) throw new Error("the run failed");
    expect(result.images).toMatchObject({ images: [{ type: "temp" }] });
    const mask = await solidPng(6, 4, [0, 0, 0, 50]);
    const masked = await api.uploadMask(mask, { ...uploaded.info });
    expect(masked).toMatchObject({ info: { filename: "mask.png" } });
  });

  it("learns that its prompt was interrupted", async () => {
    const failures: string[] = [];
    const prompt = builder(13, 500);
    const result = await runBehindAnother((onPending) =>
      new CallWrapper(api, prompt)
        .onPending(onPending)
        .onProgress(() => void api.interrupt())
        .onFailed((error) => failures.push(error.message))
        .run(),
    );
    expect(result).toBe(false);
    expect(failures).toEqual(["The execution was interrupted!"]);
    expect(await api.getQueue()).toEqual({ queue_running: [], queue_pending: [] });
  });

  it("learns why a prompt is refused", async () => {
    const model = {
      1: {
        class_type: "CheckpointLoaderSimple",
        inputs: { ckpt_name: "x.safetensors" },
        _meta: { title: "c" },
      },
      2: { class_type: "PreviewAny", inputs: { source: ["1", 0] }, _meta: { title: "d" } },
    };
    const workflow = new PromptBuilder(model, [], ["text"]).setOutputNode("text", "2");
    const causes: unknown[] = [];
    await new CallWrapper(api, workflow).onFailed(({ cause }) => causes.push(cause)).run();
    expect(JSON.stringify(causes[0])).toContain("The built-in engine runs no models");
  });

  it("reads everything else that it knows of a server", async () => {
    const history = await api.getHistories();
    const [id, entry] = Object.entries(history)[0] ?? [];
    expect(await api.getHistory(id ?? "")).toEqual(entry);
    expect((await api.getSystemStats()).devices[0]?.type).toBe("cpu");
    expect(await api.getNodeDefs("SaveImage")).toHaveProperty("SaveImage.output_node", true);
    expect(await api.getNodeDefs("Nope")).toBeNull();
    expect(await api.getCheckpoints()).toEqual([]);
    expect(await api.getLoras()).toEqual([]);
    expect(await api.getSamplerInfo()).toEqual({});
    expect(await api.getExtensions()).toEqual([]);
    expect(await api.getEmbeddings()).toEqual([]);
    expect(await api.getFeatures()).toMatchObject({ supports_preview_metadata: true });
    expect(await api.getModelTypes()).toContain("loras");
    expect(await api.getModels("loras")).toEqual([]);
    expect((await api.getModelFolders()).map(({ name }) => name)).toContain("vae");
    expect(await api.getModelFiles("vae")).toEqual([]);
    expect(await api.getWorkflowTemplates()).toEqual({});
    expect(await api.getViewMetadata("vae", "x")).toEqual({});
    expect(await api.getTerminalLogs()).toMatchObject({ entries: [] });
    expect(await api.getUserConfig()).toMatchObject({ storage: "server" });
    expect(await api.freeMemory(true, true)).toBe(true);
    await api.storeSetting("theme", "dark");
    expect(await api.getSetting("theme")).toBe("dark");
    await api.storeUserData("notes/a.json", { a: 1 });
    expect(await (await api.getUserData("notes/a.json")).json()).toEqual({ a: 1 });
    expect(await api.listUserData("notes", true)).toEqual(["a.json"]);
    await api.moveUserData("notes/a.json", "notes/b.json");
    await api.deleteUserData("notes/b.json");
    expect(await api.listUserDataV2("nowhere")).toEqual([]);
    await api.manageQueue({ clear: true });
    await api.clearHistory({ clear: true });
    expect(await api.getHistories()).toEqual({});
  });
});
