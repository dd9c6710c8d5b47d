import { randomUUID } from "node:crypto";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { postgresServers } from "../database.ts";
import { flatPicture } from "../e2e/workflows.ts";
import { call, type Answer } from "./client.ts";
import { startTestGateway, type TestGateway } from "./gateway.ts";
import { ScriptedWorker } from "./scripted-worker.ts";
import { wire } from "./validating-fetch.ts";

let gateway: TestGateway;
let worker: ScriptedWorker;
let jobs: string;

beforeAll(async () => {
  gateway = await startTestGateway(postgresServers()[0]!.url);
  worker = await ScriptedWorker.enroll(gateway.fixture, gateway.blobs);
  jobs = `${gateway.url}/api/v2/jobs`;
});

afterAll(async () => {
  await gateway.close();
  expect(wire.faults).toEqual([]);
});

const file = { nodeId: "9", name: "out.png", bytes: Buffer.from("out") };

function submit(more: object = {}, headers: Record<string, string> = {}): Promise<Answer> {
  return call(jobs, "POST", { workflow: flatPicture(1), ...more }, headers);
}

async function submitted(more: object = {}): Promise<string> {
  const { status, body } = await submit(more);
  expect(status).toBe(201);
  return String(body.id);
}

describe("a submitted job", () => {
  it("is answered as queued, with links that lead back to it", async () => {
    const answer = await submit({ metadata: { order: "7" } });
    const { id } = answer.body;
    const self = `/api/v2/jobs/${String(id)}`;
    expect(answer.body).toMatchObject({
      status: "queued",
      started_at: null,
      completed_at: null,
      progress: null,
      outputs: [],
      error: null,
      metrics: { queue_ms: null, execution_ms: null },
      metadata: { order: "7" },
      urls: { self, events: `${self}/events`, cancel: `${self}/cancel`, logs: `${self}/logs` },
    });
    const again = await call(gateway.url + self);
    expect(again.body).toMatchObject({ id, status: "queued", queue_position: 0 });
    await call(`${jobs}/${String(id)}/cancel`, "POST");
  });

  it("tells where it stands from claim to result", async () => {
    const id = await submitted();
    const claim = await worker.claim();
    await worker.progress(claim, 0.5, { nodesDone: 1, step: 10, steps: 20, message: "10/20" });
    const running = await call(`${jobs}/${id}`);
    expect(running.body).toMatchObject({
      status: "running",
      queue_position: null,
      progress: {
        value: 0.5,
        nodes_done: 1,
        nodes_total: 3,
        step: 10,
        steps: 20,
        message: "10/20",
      },
      metrics: { execution_ms: null },
    });
    expect((running.body.metrics as { queue_ms: number }).queue_ms).toBeGreaterThanOrEqual(0);
    await worker.output(claim, [file]);
    const early = await call(`${jobs}/${id}`);
    expect(early.body.outputs).toHaveLength(1);
    await worker.complete(claim, [file]);
    const ended = await call(`${jobs}/${id}`);
    expect(ended.body).toMatchObject({
      status: "succeeded",
      progress: null,
      outputs: [{ node_id: "9", name: "out.png", type: "image", size_bytes: 3, job_id: id }],
    });
    expect(ended.body.outputs).toMatchObject([
      { id: (early.body.outputs as { id: string }[])[0]?.id },
    ]);
    const [output] = ended.body.outputs as { url: string }[];
    expect(await (await fetch(String(output?.url))).text()).toBe("out");
  });

  it("gives back its workflow and its log", async () => {
    const id = await submitted({ extra_data: { api_key_comfy_org: "secret-key" } });
    expect((await call(`${jobs}/${id}/logs`)).status).toBe(204);
    const claim = await worker.claim();
    await worker.complete(claim, [], "the last lines\n");
    const workflow = await call(`${jobs}/${id}/workflow`);
    expect(workflow.body).toEqual({ workflow: flatPicture(1), format: "api" });
    const logs = await call(`${jobs}/${id}/logs`);
    expect(logs).toMatchObject({
      status: 200,
      body: { text: "the last lines\n", truncated: false, complete: true },
    });
    expect(String(logs.body.captured_at)).toMatch(/Z$/u);
  });

  it("keeps credentials sealed until its worker has them", async () => {
    const id = await submitted({ extra_data: { auth_token_comfy_org: "secret-token" } });
    const claim = await worker.claim();
    expect(claim.sealedExtraData).not.toBeNull();
    expect(Buffer.from(claim.sealedExtraData ?? []).toString("latin1")).not.toContain("secret");
    await worker.complete(claim, []);
    const text =
      "select count(*)::int as kept from job_payload where job_id = $1 and sealed_extra_data is not null";
    expect((await gateway.fixture.query(text, [id])).rows).toEqual([{ kept: 0 }]);
  });

  it("goes before jobs of a lower priority", async () => {
    const low = await submitted({ metadata: { "hearth.priority": "low" } });
    const critical = await submitted({ metadata: { "hearth.priority": "critical" } });
    const claimed = [await worker.claim(), await worker.claim()];
    expect(claimed.map(({ jobId }) => jobId)).toEqual([critical, low]);
    for (const claim of claimed) await worker.complete(claim, []);
  });

  it("fails with the node and the reason", async () => {
    const id = await submitted();
    await worker.fail(await worker.claim(), "no such colour");
    expect((await call(`${jobs}/${id}`)).body).toMatchObject({
      status: "failed",
      error: {
        code: "node_execution_error",
        message: "no such colour",
        node_id: "9",
        class_type: "SaveImage",
      },
    });
  });

  it("is canceled at once while it waits, and at the worker's word while it runs", async () => {
    const waiting = await submitted();
    const cancel = (id: string): Promise<Answer> => call(`${jobs}/${id}/cancel`, "POST");
    expect((await cancel(waiting)).body).toMatchObject({ status: "canceled" });
    const running = await submitted();
    const claim = await worker.claim();
    expect((await cancel(running)).body).toMatchObject({ status: "canceling", completed_at: null });
    expect((await cancel(running)).body).toMatchObject({ status: "canceling" });
    await worker.confirmCancel(claim);
    expect((await cancel(running)).body).toMatchObject({ status: "canceled" });
    expect((await call(`${jobs}/${running}`)).body.completed_at).not.toBeNull();
  });

  it.each(["no-such-id", "0198c0de-0000-7000-8000-000000000001", "%00", "..%2f..%2fetc"])(
    "is not found under %s on any route",
    async (id) => {
      for (const path of ["", "/workflow", "/logs", "/events"]) {
        expect(await call(`${jobs}/${id}${path}`)).toMatchObject({
          status: 404,
          code: "not_found",
        });
      }
      expect(await call(`${jobs}/${id}/cancel`, "POST")).toMatchObject({ status: 404 });
    },
  );

  it("that holds what nobody would print is kept to the letter", async () => {
    const text =
      "\u001b[31mred\u001b[0m 🐈 =cmd()|' /C calc'!A0 <img src=x onerror=alert(1)> \\u0000";
    const save = { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: text } };
    const workflow = { ...flatPicture(1), "9": save };
    const answer = await call(jobs, "POST", { workflow });
    const id = String(answer.body.id);
    expect((await call(`${jobs}/${id}/workflow`)).body).toEqual({ workflow, format: "api" });
    await worker.complete(await worker.claim(), [], "\u001b[31mred 🐈");
    expect((await call(`${jobs}/${id}/logs`)).body.text).toBe("\u001b[31mred 🐈");
  });
});

describe("an Idempotency-Key", () => {
  it("makes one job of a hundred equal requests", async () => {
    const headers = { "Idempotency-Key": randomUUID() };
    const answers = await Promise.all(Array.from({ length: 100 }, () => submit({}, headers)));
    const accepted = answers.filter(({ status }) => status === 201);
    expect(accepted).toHaveLength(1);
    const refused = answers.filter(({ code }) => code === "idempotency_key_reuse");
    expect(refused).toHaveLength(99);
    await call(`${jobs}/${String(accepted[0]?.body.id)}/cancel`, "POST");
  });

  it("stays free after a refusal and is used up by another body", async () => {
    const headers = { "Idempotency-Key": randomUUID() };
    expect((await submit({ workflow: {} }, headers)).status).toBe(422);
    const accepted = await submit({}, headers);
    expect(accepted.status).toBe(201);
    const other = await submit({ workflow: flatPicture(2) }, headers);
    expect(other).toMatchObject({ status: 422, code: "idempotency_key_reuse" });
    await call(`${jobs}/${String(accepted.body.id)}/cancel`, "POST");
  });

  it.each(["x".repeat(256), "with space", "\u00fc"])("must be printable and short", async (key) => {
    expect(await submit({}, { "Idempotency-Key": key })).toMatchObject({
      status: 422,
      code: "invalid_request",
      details: { field: "Idempotency-Key" },
    });
  });
});

describe("a queue that is full", () => {
  it("says so, keeps no key, and takes jobs again later", async () => {
    const { store, tenantId } = gateway.fixture;
    const narrow = await store.access.createDeployment(tenantId, "narrow");
    await gateway.fixture.query("update deployment set max_queued = 1 where slug = 'narrow'");
    const url = `${gateway.url}/d/narrow/api/v2/jobs`;
    const post = (headers = {}): Promise<Answer> =>
      call(url, "POST", { workflow: flatPicture(1) }, headers);
    const first = await post();
    expect(first.body.urls).toMatchObject({
      self: `/d/narrow/api/v2/jobs/${String(first.body.id)}`,
    });
    // The gateway looks at the queue's length once a second.
    await expect
      .poll(() => post(), { timeout: 5_000 })
      .toMatchObject({
        status: 429,
        code: "queue_full",
      });
    const headers = { "Idempotency-Key": randomUUID() };
    const full = await post(headers);
    expect(full.code).toBe("queue_full");
    expect(Number(full.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    await gateway.fixture.query("delete from job where deployment_id = $1", [narrow?.id]);
    await expect.poll(() => post(headers), { timeout: 5_000 }).toMatchObject({ status: 201 });
  });
});
