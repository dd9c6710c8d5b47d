import { readdir } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  historyOf,
  runPromptOn,
  solidPng,
  startTestEngine,
  submit,
  type Frame,
  type TestEngine,
} from "./engine-client.suite.ts";
import { readChunks } from "./png-chunks.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine[Symbol.asyncDispose]());

let colour = 0;

/** An image that no other test has cached, inverted and saved. */
function inverted(prefix: string): Record<string, object> {
  colour++;
  return {
    1: { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 1, color: colour } },
    2: { class_type: "ImageInvert", inputs: { image: ["1", 0] } },
    3: { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: prefix } },
  };
}

function sampled(prefix: string, inputs: object): Record<string, object> {
  colour++;
  const common = { seed: colour, steps: 2, width: 16, height: 16, step_ms: 0 };
  return {
    1: { class_type: "HearthSampler", inputs: { ...common, ...inputs } },
    2: { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: prefix } },
  };
}

/** A frame in a few words: its type and the node it is about. */
function brief({ type, data }: Frame): string {
  if (type === "executing" || type === "executed") return `${type} ${String(data["node"])}`;
  if (type !== "progress_state") return type;
  const nodes = Object.values(data["nodes"] as Record<string, { state: string }>);
  return `${type} ${nodes.map(({ state }) => state).join(" ")}`;
}

describe("the messages of a run", () => {
  it("come in ComfyUI's order, the end only after the history is written", async () => {
    const socket = await engine.connect("order");
    const start = socket.frames.length;
    const promptId = await submit(engine, inverted("order"), { client_id: "order" });
    const end = await socket.waitForEnd(promptId);
    const history = await (await engine.get(`/history/${promptId}`)).json();
    expect(history).toHaveProperty(promptId);
    expect(end.data).toEqual({ node: null, prompt_id: promptId });
    expect(socket.frames.slice(start).map(brief)).toEqual([
      "status",
      "status",
      "execution_start",
      "execution_cached",
      "progress_state running",
      "executing 1",
      "progress_state finished",
      "progress_state finished running",
      "executing 2",
      "progress_state finished finished",
      "progress_state finished finished running",
      "executing 3",
      "executed 3",
      "progress_state finished finished finished",
      "execution_success",
      "status",
      "executing null",
    ]);
  });

  it("go to the client that submitted; others see only the status", async () => {
    const [mine, other] = [await engine.connect("mine"), await engine.connect("other")];
    await mine.waitForEnd(await submit(engine, inverted("scope"), { client_id: "mine" }));
    expect(new Set(other.frames.map(({ type }) => type))).toEqual(new Set(["status"]));
  });

  it("of a prompt without client are the progress only, for everybody", async () => {
    const socket = await engine.connect("anyone");
    const { promptId } = await runPromptOn(engine, sampled("nobody", {}));
    await socket.waitFor(
      ({ type, data }) =>
        type === "progress_state" &&
        JSON.stringify(data).includes(promptId) &&
        JSON.stringify(data).split('"finished"').length === 3,
    );
    const types = new Set(socket.frames.map(({ type }) => type));
    expect(types).toEqual(new Set(["status", "progress_state", "progress", "binary 1"]));
  });

  it("carry previews with their origin to clients that asked for it", async () => {
    const socket = await engine.connect("flags", { supports_preview_metadata: true });
    const promptId = await submit(engine, sampled("flags", {}), { client_id: "flags" });
    await socket.waitForEnd(promptId);
    const previews = socket.frames.filter(({ type }) => type === "binary 4");
    expect(previews.length).toBe(2);
    expect(previews[0]?.data).toEqual({
      node_id: "1",
      prompt_id: promptId,
      display_node_id: "1",
      parent_node_id: null,
      real_node_id: "1",
      image_type: "image/jpeg",
    });
    expect((await sharp(previews[0]?.image).metadata()).format).toBe("jpeg");
    const progress = socket.frames.filter(({ type }) => type === "progress");
    expect(progress.map(({ data }) => data)).toEqual([
      { value: 1, max: 2, prompt_id: promptId, node: "1" },
      { value: 2, max: 2, prompt_id: promptId, node: "1" },
    ]);
    expect(await features(engine)).toEqual(
      socket.frames.find(({ type }) => type === "feature_flags")?.data,
    );
  });

  it("carry no previews when the prompt wants none", async () => {
    const socket = await engine.connect("quiet");
    const extra_data = { preview_method: "none" };
    const extra = { client_id: "quiet", extra_data };
    await socket.waitForEnd(await submit(engine, sampled("quiet", {}), extra));
    expect(socket.frames.map(({ type }) => type)).not.toContain("binary 1");
  });

  it("reach a client that comes back while its prompt runs", async () => {
    const first = await engine.connect("back");
    const promptId = await submit(engine, sampled("back", { steps: 100, step_ms: 5 }), {
      client_id: "back",
    });
    await first.waitFor(({ type }) => type === "progress");
    const again = await engine.connect("back");
    const resumed = await again.waitFor(({ type }) => type === "executing");
    expect(resumed.data).toEqual({ node: "1" });
    await engine.post("/interrupt", { prompt_id: promptId });
    await again.waitForEnd(promptId);
  });
});

async function features(target: TestEngine): Promise<unknown> {
  return (await target.get("/features")).json();
}

describe("the history of a run", () => {
  it("has the prompt, outputs, meta and status in ComfyUI's shape", async () => {
    const prompt = inverted("sub/shape");
    const extra_data = {
      extra_pnginfo: { workflow: { id: "w-1", nodes: [] } },
      api_key_comfy_org: "secret",
      mine: 1,
    };
    const { promptId, entry } = await runPromptOn(engine, prompt, { extra_data, client_id: "c" });
    const image = { filename: "shape_00001_.png", subfolder: "sub", type: "output" };
    expect(entry).toEqual({
      prompt: [
        expect.any(Number),
        promptId,
        prompt,
        {
          extra_pnginfo: extra_data.extra_pnginfo,
          mine: 1,
          client_id: "c",
          create_time: expect.any(Number),
        },
        ["3"],
      ],
      outputs: { 3: { images: [image] } },
      status: {
        status_str: "success",
        completed: true,
        messages: [
          ["execution_start", { prompt_id: promptId, timestamp: expect.any(Number) }],
          ["execution_cached", { prompt_id: promptId, nodes: [], timestamp: expect.any(Number) }],
          ["execution_success", { prompt_id: promptId, timestamp: expect.any(Number) }],
        ],
      },
      meta: { 3: { node_id: "3", display_node: "3", parent_node: null, real_node_id: "3" } },
    });
    const saved = await engine.readOutput("sub/shape_00001_.png");
    const texts = readChunks(saved)
      .filter(({ type }) => type === "tEXt")
      .map(({ data }) => Buffer.from(data).toString("latin1").split("\0"));
    expect(texts.map(([keyword, text]) => [keyword, JSON.parse(text ?? "")])).toEqual([
      ["prompt", prompt],
      ["workflow", extra_data.extra_pnginfo.workflow],
    ]);
  });

  it("tells of a failing node what it was given, and keeps earlier outputs", async () => {
    await engine.putInput("words.png", Buffer.from("not a picture"));
    const prompt = {
      ...inverted("before"),
      7: { class_type: "LoadImage", inputs: { image: "words.png" } },
      8: { class_type: "PreviewImage", inputs: { images: ["7", 0] } },
    };
    const { promptId, entry } = await runPromptOn(engine, prompt, { client_id: "fails" });
    expect(entry.outputs).toHaveProperty("3");
    expect(entry.status).toMatchObject({ status_str: "error", completed: false });
    expect(entry.status.messages.at(-1)).toEqual([
      "execution_error",
      {
        prompt_id: promptId,
        node_id: "7",
        node_type: "LoadImage",
        executed: ["1", "2", "3"],
        exception_message: "cannot identify image file 'words.png'",
        exception_type: "UnidentifiedImageError",
        traceback: [],
        current_inputs: { image: ["words.png"] },
        current_outputs: ["1", "2", "3"],
        timestamp: expect.any(Number),
      },
    ]);
  });

  it("keeps prefixes inside the output folder", async () => {
    for (const prefix of ["../escape", "/tmp/escape", "a/../../escape", "..\\escape"]) {
      const { entry } = await runPromptOn(engine, inverted(prefix));
      expect(entry.status.messages.at(-1)?.[1], prefix).toMatchObject({
        exception_message: expect.stringContaining("outside the output folder"),
      });
    }
    const folders = ["input", "output", "temp", "user"];
    expect((await readdir(engine.folder)).sort()).toEqual(folders);
  });

  it("is listed, cut and cleared as asked", async () => {
    const one = await runPromptOn(engine, inverted("list"));
    const two = await runPromptOn(engine, inverted("list"));
    const last = (await (await engine.get("/history?max_items=2")).json()) as object;
    expect(Object.keys(last)).toEqual([one.promptId, two.promptId]);
    const first = (await (await engine.get("/history?max_items=1&offset=0")).json()) as object;
    expect(Object.keys(first)).not.toContain(two.promptId);
    expect((await engine.post("/history", { delete: [one.promptId] })).status).toBe(200);
    expect(await (await engine.get(`/history/${one.promptId}`)).json()).toEqual({});
    expect((await engine.get("/history?max_items=x")).status).toBe(400);
  });
});

describe("a server at work", () => {
  it("goes on answering", async () => {
    const socket = await engine.connect("busy");
    const inputs = { seed: 1, steps: 2, width: 2048, height: 2048, step_ms: 0 };
    const prompt = {
      1: { class_type: "HearthSampler", inputs },
      2: { class_type: "PreviewAny", inputs: { source: ["1", 0] } },
    };
    const promptId = await submit(engine, prompt, { client_id: "busy" });
    await socket.waitFor(({ type }) => type === "executing");
    let answers = 0;
    const ended = socket.waitForEnd(promptId).then(() => true);
    const idle = async (): Promise<boolean> => {
      await engine.get("/prompt");
      answers++;
      return false;
    };
    while (!(await Promise.race([ended, idle()])));
    // Four million pixels take the machine a second or so.
    expect(answers).toBeGreaterThan(5);
  });
});

describe("the execution cache", () => {
  it("answers an identical prompt with the old file names and runs nothing", async () => {
    const socket = await engine.connect("cache");
    const prompt = inverted("cache");
    const first = await runPromptOn(engine, prompt);
    const promptId = await submit(engine, prompt, { client_id: "cache" });
    await socket.waitForEnd(promptId);
    const second = await historyOf(engine, promptId);
    expect(second.outputs).toEqual(first.entry.outputs);
    const frames = socket.frames.map(brief);
    expect(frames.filter((text) => text.startsWith("exec"))).toEqual([
      "execution_start",
      "execution_cached",
      "executed 3",
      "execution_success",
      "executing null",
    ]);
    const cached = socket.frames.find(({ type }) => type === "execution_cached");
    expect(cached?.data["nodes"]).toEqual(["1", "2", "3"]);
    const files = await readdir(join(engine.folder, "output"));
    expect(files.filter((name) => name.startsWith("cache_"))).toEqual(["cache_00001_.png"]);
  });

  it("looks at the content of files, not at their names", async () => {
    const prompt = {
      1: { class_type: "LoadImage", inputs: { image: "changing.png" } },
      2: { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "changing" } },
    };
    await engine.putInput("changing.png", await solidPng(2, 2, [1, 1, 1]));
    const first = await runPromptOn(engine, prompt);
    expect((await runPromptOn(engine, prompt)).entry.outputs).toEqual(first.entry.outputs);
    await engine.putInput("changing.png", await solidPng(2, 2, [2, 2, 2]));
    expect((await runPromptOn(engine, prompt)).entry.outputs).not.toEqual(first.entry.outputs);
  });

  it("keeps only the last prompt's results, and none when told to free memory", async () => {
    const prompt = inverted("freed");
    const first = await runPromptOn(engine, prompt);
    await runPromptOn(engine, inverted("between"));
    const second = await runPromptOn(engine, prompt);
    expect(second.entry.outputs).not.toEqual(first.entry.outputs);
    await engine.post("/free", { free_memory: true });
    const third = await runPromptOn(engine, prompt);
    expect(third.entry.outputs).not.toEqual(second.entry.outputs);
  });

  it("runs only what the wanted outputs need", async () => {
    const prompt = {
      ...inverted("wanted"),
      4: { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "unwanted" } },
    };
    const { entry } = await runPromptOn(engine, prompt, { partial_execution_targets: ["3"] });
    expect(Object.keys(entry.outputs)).toEqual(["3"]);
    expect(entry.prompt[4]).toEqual(["3"]);
  });
});
