import { Client, Workflow } from "@stable-canvas/comfyui-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import sharp from "sharp";
import { startTestEngine, type TestEngine } from "../../src/engine/engine-client.suite.ts";

let engine: TestEngine;
let client: Client;

beforeAll(async () => {
  engine = await startTestEngine();
  client = new Client({ api_host: new URL(engine.engine.url).host, clientId: "stable-canvas" });
  await client.connect();
});

afterAll(async () => {
  client.close();
  await engine[Symbol.asyncDispose]();
});

function sampler(seed: number, stepMs: number, steps = 4): Workflow {
  const workflow = new Workflow();
  const [image] = workflow.node("HearthSampler", {
    seed,
    steps,
    width: 24,
    height: 16,
    step_ms: stepMs,
  });
  workflow.node("SaveImage", { images: image, filename_prefix: "canvas" });
  return workflow;
}

/** The pictures behind the addresses of a result. */
async function download(images: readonly { type: string; data: unknown }[]): Promise<Buffer[]> {
  const urls = images.filter(({ type }) => type === "url").map(({ data }) => String(data));
  return Promise.all(urls.map(async (url) => Buffer.from(await (await fetch(url)).arrayBuffer())));
}

describe("@stable-canvas/comfyui-client against the engine", () => {
  it("invokes a workflow with progress and previews and finds the picture", async () => {
    const progress: number[] = [];
    const result = await sampler(21, 50).invoke(client, {
      progress: ({ value }) => progress.push(value),
    });
    expect(progress.at(-1)).toBe(4);
    const previews = result.images.filter(({ type }) => type === "buff");
    expect(previews.length).toBeGreaterThan(0);
    const [picture] = await download(result.images);
    const { width, height, format } = await sharp(picture).metadata();
    expect([width, height, format]).toEqual([24, 16, "png"]);
  });

  it("waits by polling as well", async () => {
    const result = await sampler(22, 0).invoke_polling(client, { polling_ms: 20 });
    expect((await download(result.images)).length).toBe(1);
  });

  it("waits for a prompt that it enqueues", async () => {
    const { prompt } = sampler(23, 50).workflow();
    const result = await client.enqueue(prompt, { timeout_ms: 10_000 });
    expect(result.images.length).toBeGreaterThan(0);
  });

  it("interrupts a running workflow and removes a waiting one", async () => {
    const running = sampler(24, 500, 100).instance(client);
    await running.enqueue();
    const started = new Promise((resolve) => running.on("progress", resolve));
    const ended = running.wait();
    const waiting = sampler(25, 0).instance(client);
    await waiting.enqueue();
    await started;
    expect(await waiting.query()).toEqual({ running: false, pending: true, done: false });
    await waiting.interrupt();
    await running.interrupt();
    await expect(ended).rejects.toThrow(/interrupted/u);
    await client.waitForPrompt(waiting.task_id ?? "", 20, 5_000);
    expect(await client.getQueue()).toEqual({ Running: [], Pending: [] });
    waiting.dispose();
  });

  it("learns why a prompt is refused, and why one failed", async () => {
    const unknown = new Workflow();
    unknown.node("NoSuchNode", {});
    await expect(unknown.invoke(client)).rejects.toThrow(/400/u);
    const failing = new Workflow();
    const [image] = failing.node("ImageInvert", { image: "no image" });
    failing.node("PreviewImage", { images: image });
    await expect(failing.invoke(client)).rejects.toThrow(/"image" must be an image/u);
  });

  it("reads everything else that it knows of a server", async () => {
    const { History } = await client.getHistory(10);
    expect(History.length).toBeGreaterThan(0);
    const promptId = History[0]?.prompt[1] ?? "";
    expect(await client.getPromptOutputs(promptId)).toHaveProperty("2.images");
    expect((await client.getSystemStats()).devices[0]?.name).toBe("cpu");
    expect(await client.getNodeDefs()).toHaveProperty("HearthSampler.category", "hearth");
    expect(await client.getExtensions()).toEqual([]);
    expect(await client.getEmbeddings()).toEqual([]);
    expect(await client.getSDModels()).toEqual([]);
    expect(await client.getVAEs()).toEqual([]);
    expect(await client.getModelFolders()).not.toEqual([]);
    expect(await client.getModels("loras")).toEqual([]);
    expect(await client.getUserConfig()).toMatchObject({ storage: "server" });
    await client.storeSettings({ theme: "dark" });
    expect(await client.getSetting("theme")).toBe("dark");
    await client.storeUserData("a.json", { a: 1 }, { stringify: true });
    expect(await (await client.getUserData("a.json")).json()).toEqual({ a: 1 });
    await client.free({ free_memory: true });
    await client.clearItems("history");
    expect((await client.getHistory()).History).toEqual([]);
  });
});
