import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { workerLinkPaths } from "../../src/protocol/worker-link.ts";
import { postgresServers } from "../database.ts";
import { newJob } from "../store.ts";
import { startTestGateway, type TestGateway } from "./gateway.ts";

const hash = "a".repeat(64);
const model = (folder: string, filename: string) => ({
  folder,
  filename,
  sha256: hash,
  bytes: 10,
  sources: [`https://example.com/${filename}`],
});

describe("what workers are told of models", () => {
  let api: TestGateway;
  beforeAll(async () => {
    const [server] = postgresServers();
    api = await startTestGateway(server?.url ?? "");
  });
  afterAll(() => api.close());

  const post = async (path: string, body: unknown, token?: string): Promise<unknown> => {
    const headers = {
      "content-type": "application/json",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    const reply = await fetch(api.url + path, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    return reply.json();
  };
  const enroll = async (): Promise<{ workerToken: string; launch: unknown }> =>
    (await post(workerLinkPaths.enroll, { name: "w", agentVersion: "1" })) as {
      workerToken: string;
      launch: unknown;
    };

  test("is the release, and first the models of the next queued job", async () => {
    const { fixture } = api;
    const models = [model("vae", "ae.sft"), model("loras", "ink.sft"), model("loras", "oil.sft")];
    const warmup = { "1": { class_type: "EmptyImage", inputs: {} } };
    await fixture.store.access.setRelease(fixture.deploymentId, { models, warmup });
    const lora = { class_type: "LoraLoader", inputs: { lora_name: "oil.sft" } };
    await fixture.store.jobs.submit(newJob(fixture, { workflow: { "1": lora } }));
    const { workerToken, launch } = await enroll();
    expect(launch).toBeNull();
    const answer = await post(workerLinkPaths.models, {}, workerToken);
    expect(answer).toEqual({ models, warmup, backlog: ["loras/oil.sft"] });
  });

  test("is stored when they say what they have", async () => {
    const { workerToken } = await enroll();
    const residents = [{ model: "vae/ae.sft", bytes: 10, tier: "ram", pinned: false }];
    await post(workerLinkPaths.heartbeat, { attempts: [], residents }, workerToken);
    const { store, deploymentId } = api.fixture;
    const stored = await store.workers.listResidents(deploymentId);
    expect(stored).toMatchObject(residents);
  });

  test("is not told to strangers", async () => {
    const answer = await post(workerLinkPaths.models, {}, "hw_unknown");
    expect(answer).toMatchObject({ error: { code: "unauthorized" } });
  });
});
