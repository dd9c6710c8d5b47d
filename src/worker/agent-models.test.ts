import { readFile, stat, writeFile, mkdir } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { failureOf, resultOf } from "../../test/fakes/fake-job.ts";
import {
  safetensorsFile,
  startModelServer,
  type ModelServer,
} from "../../test/fakes/model-server.ts";
import { openModelStore } from "../../test/fakes/model-stores.ts";
import {
  agentFor,
  attachedStack,
  startGateway,
  temporaryFolder,
  type WorkerStack,
} from "../../test/fakes/worker-stack.ts";
import { FakeComfy } from "../../test/fakes/comfyui.ts";
import type { ModelFile } from "../protocol/worker-link.ts";

const mebibyte = 1024 * 1024;

interface ModelStack extends WorkerStack {
  readonly comfy: FakeComfy;
  readonly modelsFolder: string;
}

/** A worker beside a ComfyUI that it does not start, with a store of its own. */
async function modelStack(
  models: readonly ModelFile[],
  backlog: readonly string[] = [],
  warmup: Record<string, unknown> | null = null,
  waiting?: Record<string, unknown>,
) {
  const folder = await temporaryFolder();
  const comfy = new FakeComfy({ folder: join(folder, "comfy") });
  onTestFinished(() => comfy.close());
  const gateway = await startGateway();
  gateway.models = { models: [...models], warmup, backlog: [...backlog] };
  if (waiting !== undefined) gateway.submit(waiting);
  const modelsFolder = join(folder, "comfy", "models");
  const store = await openModelStore();
  const options = {
    agent: { models: { store, folder: modelsFolder } },
    timings: { modelPollMs: 50 },
  };
  await comfy.start();
  const agent = agentFor(gateway, { kind: "attach", url: comfy.url }, folder, options);
  return { gateway, comfy, agent, folder, modelsFolder } satisfies ModelStack;
}

function checkpoint(server: ModelServer, change: Partial<ModelFile> = {}): ModelFile {
  const { sha256, bytes } = server;
  const base = { folder: "checkpoints", filename: "base.safetensors", sha256 };
  return { ...base, bytes: bytes.length, sources: [server.url], ...change };
}

const picture = {
  "1": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "base.safetensors" } },
  "2": { class_type: "Work", inputs: { model: ["1", 0], steps: 3, step_ms: 1 } },
  "3": { class_type: "VAELoader", inputs: { vae_name: "late.safetensors" } },
  "4": { class_type: "SaveImage", inputs: { source: ["2", 0], vae: ["3", 0] } },
};
const work = { "4": { class_type: "SaveImage", inputs: {} } };
const simple = {
  "1": picture["1"],
  "4": { class_type: "SaveImage", inputs: { source: ["1", 0] } },
};

describe("a worker whose deployment has models", () => {
  test("brings a model before the prompt that needs it, and says so", async () => {
    const server = await startModelServer(safetensorsFile(6 * mebibyte));
    server.set({ bytesPerSecond: 8 * mebibyte });
    const { gateway, modelsFolder } = await modelStack([checkpoint(server)]);
    const job = gateway.submit(simple);
    const { timings } = resultOf(await gateway.endOf(job));
    const placed = await readFile(join(modelsFolder, "checkpoints", "base.safetensors"));
    expect(placed.equals(server.bytes)).toBe(true);
    const said = job.reports.map(({ progress }) => progress?.message ?? "");
    expect(said.some((text) => /^loading checkpoints\/base\.safetensors, \d+ %$/u.test(text))).toBe(
      true,
    );
    expect(timings.weightsMs).toBeGreaterThan(0);
    expect(timings.processMs).toBeGreaterThanOrEqual(0);
    expect(gateway.violations).toEqual([]);
  });

  test("tells which models it has, and when ComfyUI has loaded one", async () => {
    const server = await startModelServer(safetensorsFile(mebibyte));
    const { gateway } = await modelStack([checkpoint(server)]);
    await gateway.until(() => gateway.residents.some(([first]) => first?.tier === "ram"));
    const first = resultOf(await gateway.endOf(gateway.submit(simple)));
    expect(first.timings.weightsMs).toBeGreaterThanOrEqual(0);
    const second = resultOf(await gateway.endOf(gateway.submit(simple)));
    expect(second.timings.weightsMs).toBeUndefined();
    await gateway.until(() => gateway.residents.at(-1)?.[0]?.tier === "vram");
    expect(gateway.residents.at(-1)).toEqual([
      { model: "checkpoints/base.safetensors", bytes: mebibyte, tier: "vram", pinned: false },
    ]);
  });

  test("brings what the next queued job needs before the rest", async () => {
    const server = await startModelServer(safetensorsFile(mebibyte));
    const later = await startModelServer(safetensorsFile(mebibyte, 2));
    const asked: string[] = [];
    server.onRequest = () => void asked.push("base");
    later.onRequest = () => void asked.push("other");
    const other = checkpoint(later, { folder: "vae", filename: "other.safetensors" });
    const backlog = ["checkpoints/base.safetensors"];
    const { gateway } = await modelStack([other, checkpoint(server)], backlog);
    await gateway.until(() => gateway.residents.at(-1)?.length === 2);
    expect(asked[0]).toBe("base");
    expect(new Set(asked)).toEqual(new Set(["base", "other"]));
  });

  test("runs what it can while a later file is still on its way, and computes it once", async () => {
    const server = await startModelServer(safetensorsFile(mebibyte));
    const late = await startModelServer(safetensorsFile(3 * mebibyte, 2));
    late.set({ stallAfterBytes: 100_000 });
    const vae = checkpoint(late, { folder: "vae", filename: "late.safetensors" });
    const { gateway, comfy } = await modelStack([checkpoint(server), vae]);
    const job = gateway.submit(picture);
    await gateway.until(() => comfy.submissions.length === 1);
    await gateway.until(() => job.reports.some(({ progress }) => (progress?.nodesDone ?? 0) >= 2));
    expect(Object.keys(comfy.submissions[0]?.["prompt"] ?? {})).toEqual([
      "1",
      "2",
      "hearth-head-0",
    ]);
    late.set({ stallAfterBytes: Infinity });
    late.endStalls();
    const { outputs } = resultOf(await gateway.endOf(job));
    expect(outputs.map(({ nodeId }) => nodeId)).toEqual(["4"]);
    expect(comfy.submissions).toHaveLength(2);
    expect(comfy.cachedNodes.at(-1)).toEqual(["1", "2"]);
  });

  test("lets a running job's model overtake a prefetch, which goes on afterwards", async () => {
    const slow = await startModelServer(safetensorsFile(8 * mebibyte, 2));
    slow.set({ bytesPerSecond: 4 * mebibyte });
    const server = await startModelServer(safetensorsFile(mebibyte));
    const vae = checkpoint(slow, { folder: "vae", filename: "slow.safetensors" });
    const { gateway } = await modelStack([vae, checkpoint(server)]);
    await gateway.until(() => slow.sentBytes > 0);
    expect((await gateway.endOf(gateway.submit(simple))).kind).toBe("completed");
    expect(gateway.residents.at(-1)?.map(({ model }) => model)).not.toContain(
      "vae/slow.safetensors",
    );
    await gateway.until(() => gateway.residents.at(-1)?.length === 2);
  });

  test("takes a file that its owner put there, and leaves it alone", async () => {
    const server = await startModelServer(safetensorsFile(mebibyte));
    const { gateway, modelsFolder } = await modelStack([]);
    const path = join(modelsFolder, "checkpoints", "base.safetensors");
    await mkdir(join(modelsFolder, "checkpoints"), { recursive: true });
    await writeFile(path, server.bytes);
    const { ino } = await stat(path);
    gateway.models = { models: [checkpoint(server)], warmup: null, backlog: [] };
    expect((await gateway.endOf(gateway.submit(simple))).kind).toBe("completed");
    expect((await stat(path)).ino).toBe(ino);
    expect(server.requests).toEqual([]);
  });

  test.each([
    [403, "user", "model_unavailable"],
    [500, "transient", "model_unavailable"],
  ] as const)("fails a job whose model answers %i, with a reason", async (status, kind, code) => {
    const server = await startModelServer(safetensorsFile(mebibyte));
    const file = checkpoint(server);
    server.set({ status });
    const { gateway } = await modelStack([file]);
    const { failureClass, error } = failureOf(await gateway.endOf(gateway.submit(simple)));
    expect([failureClass, error.code]).toEqual([kind, code]);
    expect(error.message).toContain(`HTTP ${status}`);
  });

  test("refuses a file with another hash, and takes the next job", async () => {
    const server = await startModelServer(safetensorsFile(mebibyte));
    const file = checkpoint(server, { sha256: "0".repeat(64) });
    const { gateway } = await modelStack([file]);
    const { failureClass, error } = failureOf(await gateway.endOf(gateway.submit(simple)));
    expect([failureClass, error.code]).toEqual(["user", "model_refused"]);
    expect((await gateway.endOf(gateway.submit(work))).kind).toBe("completed");
  });

  test("ends a job that is canceled while its model is on its way", async () => {
    const server = await startModelServer(safetensorsFile(3 * mebibyte));
    server.set({ stallAfterBytes: 100_000 });
    const { gateway, comfy } = await modelStack([checkpoint(server)]);
    const job = gateway.submit(simple);
    await gateway.until(() => job.state === "running");
    job.state = "canceling";
    expect((await gateway.endOf(job)).kind).toBe("canceled");
    expect(comfy.submissions).toEqual([]);
  });
});

describe("a worker whose deployment has a warmup", () => {
  const warmup = { "9": { class_type: "SaveImage", inputs: { prefix: "warm" } } };

  test("runs it while there is no job, and counts as warm then", async () => {
    const { gateway, comfy } = await modelStack([], [], warmup);
    await gateway.until(() => gateway.readies.at(-1)?.isWarm === true);
    expect(gateway.readies.map(({ isWarm }) => isWarm)).toEqual([false, true]);
    expect(comfy.submissions.map(({ prompt }) => prompt)).toEqual([warmup]);
    expect((await gateway.endOf(gateway.submit(work))).kind).toBe("completed");
    expect(comfy.submissions).toHaveLength(2);
  });

  test("takes a waiting job for its warmup", async () => {
    const { gateway, comfy } = await modelStack([], [], warmup, work);
    await gateway.until(() => gateway.readies.at(-1)?.isWarm === true);
    expect(comfy.submissions.map(({ prompt }) => prompt)).toEqual([work]);
  });

  test("takes jobs, though not as warm, after a warmup that fails", async () => {
    const broken = { "9": { class_type: "NoSuchNode", inputs: {} } };
    const { gateway, comfy } = await modelStack([], [], broken);
    await gateway.until(() => comfy.submissions.length === 1);
    expect(gateway.readies.at(-1)?.isWarm).toBe(false);
    expect((await gateway.endOf(gateway.submit(work))).kind).toBe("completed");
  });
});

test("a worker that is kept alive makes a new tiny picture each time, until it leaves", async () => {
  const { gateway, comfy, agent } = await attachedStack({
    agent: { keepAliveMs: 60_000 },
    timings: { keepAliveIntervalMs: 20 },
  });
  await gateway.until(() => comfy.submissions.length >= 2);
  const [first, second] = comfy.submissions.map(({ prompt }) => JSON.stringify(prompt));
  expect(first).toContain("EmptyImage");
  expect(second).not.toBe(first);
  await agent.stop();
  const { length } = comfy.submissions;
  await agent.done;
  expect(comfy.submissions).toHaveLength(length);
});
