import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  historyOf,
  runPromptOn,
  startTestEngine,
  submit,
  type TestEngine,
  type TestSocket,
} from "../engine-client.suite.ts";

let engine: TestEngine;
let socket: TestSocket;
beforeAll(async () => {
  engine = await startTestEngine();
  socket = await engine.connect("queue");
});
afterAll(() => engine[Symbol.asyncDispose]());

let seed = 0;

/** A prompt that goes on until it is interrupted, for all that a test can see. */
function endless(): object {
  seed++;
  const inputs = { seed, steps: 1000, width: 16, height: 16, step_ms: 50 };
  return {
    1: { class_type: "HearthSampler", inputs },
    2: { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "endless" } },
  };
}

/** Starts a prompt and waits until its sampler is at work. */
async function startEndless(): Promise<string> {
  const promptId = await submit(engine, endless(), { client_id: "queue" });
  await socket.waitFor(({ type, data }) => type === "progress" && data["prompt_id"] === promptId);
  return promptId;
}

async function json(path: string): Promise<unknown> {
  return (await engine.get(path)).json();
}

async function cancelled(path: string, body?: object): Promise<unknown> {
  return (await engine.post(path, body)).json();
}

describe("the queue", () => {
  it("runs the lowest number first, the front before all, equal ones in turn", async () => {
    const running = await startEndless();
    const { number: next } = (await (
      await engine.post("/prompt", { prompt: endless() })
    ).json()) as { number: number };
    const exact = await submit(engine, endless(), { number: "0.5" });
    const front = await submit(engine, endless(), { front: true });
    const same = await submit(engine, endless(), { number: 0.5 });
    const queue = (await json("/queue")) as Record<string, [number, string, object][]>;
    expect(queue["queue_running"]?.map((item) => item[1])).toEqual([running]);
    expect(queue["queue_pending"]?.map(([number]) => number)).toEqual([
      -(next + 1),
      0.5,
      0.5,
      next,
    ]);
    expect(queue["queue_pending"]?.slice(0, 3).map(([, id]) => id)).toEqual([front, exact, same]);
    expect(await json("/prompt")).toEqual({ exec_info: { queue_remaining: 5 } });
    await engine.post("/queue", { delete: [exact] });
    expect(await json("/prompt")).toEqual({ exec_info: { queue_remaining: 4 } });
    await engine.post("/queue", { clear: true });
    expect(await json("/prompt")).toEqual({ exec_info: { queue_remaining: 1 } });
    await engine.post("/interrupt", {});
    await historyOf(engine, running);
  });

  it("never touches a running prompt when it is cleared", async () => {
    const running = await startEndless();
    await engine.post("/queue", { delete: [running], clear: true });
    expect(await json(`/history/${running}`)).toEqual({});
    await engine.post("/api/interrupt");
    await historyOf(engine, running);
  });
});

describe("cancelling", () => {
  it("interrupts a running prompt, which the history shows as an error and jobs as cancelled", async () => {
    const promptId = await startEndless();
    await engine.post("/interrupt", { prompt_id: randomUUID() });
    expect(await json(`/api/jobs/${promptId}`)).toMatchObject({ status: "in_progress" });
    expect(await cancelled(`/api/jobs/${promptId}/cancel`)).toEqual({ cancelled: true });
    await socket.waitForEnd(promptId);
    const entry = await historyOf(engine, promptId);
    expect(entry.status).toMatchObject({ status_str: "error", completed: false });
    expect(entry.status.messages.at(-1)).toEqual([
      "execution_interrupted",
      {
        prompt_id: promptId,
        node_id: "1",
        node_type: "HearthSampler",
        executed: [],
        timestamp: expect.any(Number),
      },
    ]);
    expect(await json(`/api/jobs/${promptId}`)).toMatchObject({ status: "cancelled" });
    expect(await cancelled(`/api/jobs/${promptId}/cancel`)).toEqual({ cancelled: false });
  });

  it("removes waiting prompts, of which nothing remains", async () => {
    const running = await startEndless();
    const waiting = await submit(engine, endless());
    expect(await json(`/api/jobs/${waiting}`)).toMatchObject({ status: "pending" });
    const ids = { job_ids: [waiting, running, randomUUID()] };
    expect(await cancelled("/api/jobs/cancel", ids)).toEqual({ cancelled: true });
    expect((await engine.get(`/api/jobs/${waiting}`)).status).toBe(404);
    expect(await json(`/history/${waiting}`)).toEqual({});
    await historyOf(engine, running);
    expect(await cancelled("/api/jobs/cancel", ids)).toEqual({ cancelled: false });
  });

  it("refuses lists that are none", async () => {
    for (const body of [{}, { job_ids: "x" }, { job_ids: ["x"] }, undefined]) {
      expect((await engine.post("/api/jobs/cancel", body)).status).toBe(400);
    }
    expect(await cancelled("/api/jobs/xyz/cancel")).toEqual({ cancelled: false });
  });

  it("leaves the next prompt alone", async () => {
    const running = await startEndless();
    const image = { width: 8, height: 8, batch_size: 1, color: 77 };
    const prompt = {
      1: { class_type: "EmptyImage", inputs: image },
      2: { class_type: "PreviewImage", inputs: { images: ["1", 0] } },
    };
    const next = await submit(engine, prompt);
    await engine.post("/interrupt", {});
    expect((await historyOf(engine, next)).status.completed).toBe(true);
    expect((await historyOf(engine, running)).status.completed).toBe(false);
  });
});

describe("the list of jobs", () => {
  it("shows status, times, outputs and workflow id, and filters by them", async () => {
    const workflowId = randomUUID();
    const extra_data = { extra_pnginfo: { workflow: { id: workflowId } } };
    const prompt = {
      1: { class_type: "PrimitiveString", inputs: { value: "hello" } },
      2: { class_type: "PreviewAny", inputs: { source: ["1", 0] } },
      3: { class_type: "SaveText", inputs: { text: ["1", 0], filename_prefix: "t", format: "md" } },
    };
    const { promptId } = await runPromptOn(engine, prompt, { extra_data });
    const page = await json(`/api/jobs?workflow_id=${workflowId}&status=completed,failed&limit=1`);
    const job = {
      id: promptId,
      status: "completed",
      priority: expect.any(Number),
      create_time: expect.any(Number),
      execution_start_time: expect.any(Number),
      execution_end_time: expect.any(Number),
      outputs_count: 1,
      previewable_outputs_count: 1,
      preview_output: {
        filename: "t_00001.md",
        subfolder: "",
        type: "output",
        nodeId: "3",
        mediaType: "files",
      },
      workflow_id: workflowId,
    };
    const pagination = { offset: 0, limit: 1, total: 1, has_more: false };
    expect(page).toEqual({ jobs: [job], pagination });
    const outputs = { 2: { text: ["hello"] } };
    const detailed = { ...job, outputs, execution_status: { status_str: "success" } };
    expect(await json(`/api/jobs/${promptId}`)).toMatchObject({
      ...detailed,
      workflow: { prompt, extra_data },
    });
  });

  it("goes by pages in either order", async () => {
    const all = (await json("/api/jobs")) as { jobs: { id: string }[]; pagination: object };
    expect(all.pagination).toMatchObject({ offset: 0, limit: null, has_more: false });
    const second = (await json("/api/jobs?limit=1&offset=1")) as typeof all;
    expect(second.jobs.map(({ id }) => id)).toEqual([all.jobs[1]?.id]);
    const times = (jobs: object[]): number[] =>
      jobs.map((job) => (job as { create_time: number }).create_time);
    const oldest = (await json("/api/jobs?sort_order=asc")) as typeof all;
    expect(times(oldest.jobs)).toEqual(times(all.jobs).sort((a, b) => a - b));
    expect((await engine.get("/api/jobs?sort_by=execution_duration")).status).toBe(200);
  });

  it("refuses what it does not understand with ComfyUI's sentences", async () => {
    for (const [query, error] of [
      [
        "status=completed,foo",
        "Invalid status value(s): foo. Valid values: pending, in_progress, completed, failed, cancelled",
      ],
      ["sort_by=zzz", "sort_by must be 'created_at' or 'execution_duration'"],
      ["sort_order=up", "sort_order must be 'asc' or 'desc'"],
      ["limit=0", "limit must be a positive integer"],
      ["limit=x", "limit must be an integer"],
    ]) {
      const reply = await engine.get(`/api/jobs?${query}`);
      expect([reply.status, await reply.json()], query).toEqual([400, { error }]);
    }
    expect(await (await engine.get("/api/jobs/xyz")).json()).toEqual({ error: "Job not found" });
    expect((await engine.get("/jobs")).status).toBe(404);
  });
});

describe("submitting", () => {
  it("takes a canonical UUID as id and refuses any other", async () => {
    const prompt_id = randomUUID();
    const prompt = {
      1: { class_type: "PrimitiveInt", inputs: { value: 1 } },
      2: { class_type: "PreviewAny", inputs: { source: ["1", 0] } },
    };
    expect((await runPromptOn(engine, prompt, { prompt_id })).promptId).toBe(prompt_id);
    for (const bad of ["abc", prompt_id.toUpperCase(), 5]) {
      const reply = await engine.post("/prompt", { prompt, prompt_id: bad });
      expect(await reply.json()).toMatchObject({
        error: { type: "invalid_prompt_id", extra_info: {} },
        node_errors: {},
      });
    }
    expect((await engine.post("/prompt", { prompt, prompt_id: null })).status).toBe(200);
  });

  it("reads JSON under any content type, as the classic script sends it", async () => {
    const prompt = { 1: { class_type: "PreviewAny", inputs: { source: "x" } } };
    for (const type of ["application/x-www-form-urlencoded", "text/plain", "application/json"]) {
      const reply = await fetch(`${engine.engine.url}/api/prompt`, {
        method: "POST",
        body: JSON.stringify({ prompt }),
        headers: { "content-type": type },
      });
      expect(reply.status, type).toBe(200);
    }
  });

  it("refuses what is no prompt without harm", async () => {
    const post = async (body: string): Promise<[number, unknown]> => {
      const reply = await fetch(`${engine.engine.url}/prompt`, { method: "POST", body });
      return [reply.status, await reply.json()];
    };
    expect(await post("{}")).toEqual([
      400,
      {
        error: {
          type: "no_prompt",
          message: "No prompt provided",
          details: "No prompt provided",
          extra_info: {},
        },
        node_errors: {},
      },
    ]);
    expect((await post("[]"))[0]).toBe(400);
    expect((await post("{oops"))[0]).toBe(400);
    expect((await post(`{"prompt": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`))[0]).toBe(400);
    for (const prompt of ["null", "[]", '"x"', '{"1": 5}', '{"1": null}']) {
      const [status, reply] = await post(`{"prompt": ${prompt}}`);
      expect([status, reply], prompt).toMatchObject([400, { error: { type: "invalid_prompt" } }]);
    }
    const polluting = '{"__proto__": {"prompt": {}}, "constructor": {"prototype": {"x": 1}}}';
    expect((await post(polluting))[0]).toBe(400);
    expect(({} as Record<string, unknown>)["prompt"]).toBeUndefined();
  });

  it("runs a node whose id is __proto__", async () => {
    const prompt = JSON.parse(
      '{"__proto__": {"class_type": "PreviewAny", "inputs": {"source": "x"}}}',
    ) as object;
    const { entry } = await runPromptOn(engine, prompt);
    expect(Object.entries(entry.outputs)).toEqual([["__proto__", { text: ["x"] }]]);
  });
});
