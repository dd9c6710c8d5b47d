import { describe, expect, test } from "vitest";

import { FakeComfy } from "../../test/fakes/comfyui.ts";
import {
  agentFor,
  attachedStack,
  freePort,
  pictureWorkflow,
  spawnedStack,
  startGateway,
  temporaryFolder,
} from "../../test/fakes/worker-stack.ts";

const slow = pictureWorkflow({ steps: 60, step_ms: 10 });
const endless = pictureWorkflow({ steps: 10_000, step_ms: 10 });

describe("a gateway that is not always there", () => {
  test("is away at the start: the agent enrols when it comes", async () => {
    const gateway = await startGateway();
    gateway.isDown = true;
    const folder = await temporaryFolder();
    const comfyui = { kind: "attach", url: `http://127.0.0.1:${await freePort()}` } as const;
    agentFor(gateway, comfyui, folder);
    await gateway.until(() => gateway.cutCalls > 1);
    gateway.isDown = false;
    await gateway.until(() => gateway.heartbeats > 0);
    expect(gateway.enrollments[0]?.name).toBe("test worker");
  });

  test("is away when a job is done: the result waits for it", async () => {
    const { gateway, comfy } = await attachedStack();
    const job = gateway.submit(slow);
    await gateway.until(() => job.reports.length > 1);
    gateway.isDown = true;
    await expect.poll(() => comfy.isBusy).toBe(false);
    gateway.isDown = false;
    expect((await gateway.endOf(job)).kind).toBe("completed");
  });

  test("is overloaded: calls are made again", async () => {
    const { gateway } = await attachedStack({ timings: { inlineBytes: 0 } });
    const job = gateway.submit(slow);
    await gateway.until(() => job.state === "running");
    gateway.overloads = 10;
    gateway.blobs.brokenPuts = 2;
    expect((await gateway.endOf(job)).kind).toBe("completed");
    expect(gateway.overloads).toBe(0);
  });

  test("stays away for the deadman's time: the agent leaves", async () => {
    const { gateway, agent } = await spawnedStack({ agent: { deadmanMs: 400 } });
    await gateway.until(() => gateway.heartbeats > 0);
    gateway.isDown = true;
    expect(await agent.done).toMatchObject({ reason: "deadman" });
  });

  test("has lost its object store: the job fails as one that may be tried again", async () => {
    const { gateway } = await attachedStack({ timings: { inlineBytes: 0 } });
    gateway.blobs.brokenPuts = 1_000;
    const end = await gateway.endOf(gateway.submit(pictureWorkflow()));
    expect(end).toMatchObject({
      kind: "failed",
      body: { failureClass: "transient", error: { code: "upload_failed" } },
    });
  });

  test("has lost an input: the failure names it", async () => {
    const { gateway } = await attachedStack();
    const path = ["1", "inputs", "image"];
    const input = gateway.addInput(path, "cat.png", Buffer.from("cat"));
    const workflow = { "1": { class_type: "LoadImage", inputs: { image: "x" } } };
    const inputs = [{ ...input, url: `${gateway.url}/blobs/none` }];
    const gone = await gateway.endOf(gateway.submit(workflow, { inputs }));
    expect(gone).toMatchObject({
      body: { failureClass: "user", error: { code: "input_unavailable" } },
    });
    const hash = `blake3:${"0".repeat(64)}`;
    const other = await gateway.endOf(gateway.submit(workflow, { inputs: [{ ...input, hash }] }));
    expect(other).toMatchObject({
      body: { failureClass: "transient", error: { code: "input_unavailable" } },
    });
  });
});

describe("a gateway that does not know the agent", () => {
  test("refuses its enrolment: the agent leaves", async () => {
    const { agent } = await attachedStack({ gateway: { enrollmentToken: "right" } });
    expect(await agent.done).toMatchObject({ reason: "refused" });
  });

  test("has forgotten its workers: the agent enrols again and is ready again", async () => {
    const { gateway } = await attachedStack();
    await gateway.until(() => gateway.readies.length === 1);
    gateway.forgetWorkers();
    await gateway.until(() => gateway.readies.length === 2);
    expect(gateway.enrollments.length).toBe(2);
    expect((await gateway.endOf(gateway.submit(pictureWorkflow()))).kind).toBe("completed");
  });

  test("has forgotten a worker whose token was for one time: the agent leaves", async () => {
    const { gateway, agent } = await attachedStack({
      gateway: { enrollmentToken: "once" },
      agent: { enrollmentToken: "once" },
    });
    await gateway.until(() => gateway.readies.length === 1);
    gateway.forgetWorkers();
    expect(await agent.done).toMatchObject({ reason: "refused" });
  });

  test("has given the job to another: the prompt is ended and nothing more is said", async () => {
    const { gateway, comfy } = await attachedStack();
    const job = gateway.submit(endless);
    await gateway.until(() => job.reports.length > 1);
    job.supersede();
    await expect.poll(() => comfy.isBusy).toBe(false);
    expect((await gateway.endOf(gateway.submit(pictureWorkflow()))).kind).toBe("completed");
    expect(job.end).toBeUndefined();
    expect(job.verbs.filter((verb) => verb !== "report")).toEqual([]);
  });
});

describe("an agent that is to leave", () => {
  test("finishes its job first when it is drained", async () => {
    const { gateway, agent } = await attachedStack();
    const job = gateway.submit(slow);
    await gateway.until(() => job.reports.length > 1);
    gateway.isDraining = true;
    expect((await gateway.endOf(job)).kind).toBe("completed");
    expect(await agent.done).toEqual({ reason: "drained" });
    expect(gateway.goodbyes.length).toBe(1);
  });

  test("leaves at once when it is drained while idle", async () => {
    const { gateway, agent } = await attachedStack();
    await gateway.until(() => gateway.readies.length === 1);
    gateway.isDraining = true;
    expect(await agent.done).toEqual({ reason: "drained" });
  });

  test("gives its job back at once when it is stopped, and still hands in the result", async () => {
    const { gateway, agent } = await attachedStack();
    const job = gateway.submit(slow);
    await gateway.until(() => job.reports.length > 1);
    const stopped = agent.stop(10_000);
    await gateway.until(() => job.releases.length === 1);
    expect(job.end).toBeUndefined();
    await stopped;
    expect(job.releases).toEqual(["shutdown"]);
    expect(job.end?.kind).toBe("completed");
    expect(await agent.done).toEqual({ reason: "stopped" });
    expect(gateway.goodbyes.length).toBe(1);
  });

  test("stops a job that takes longer than its grace", async () => {
    const { gateway, agent, comfy } = await attachedStack();
    const job = gateway.submit(endless);
    await gateway.until(() => job.reports.length > 1);
    await agent.stop(100);
    expect(comfy.isBusy).toBe(false);
    expect(job.end).toBeUndefined();
    expect(job.releases).toEqual(["shutdown"]);
  });

  test("leaves although neither gateway nor ComfyUI ever answered", async () => {
    const gateway = await startGateway();
    gateway.isDown = true;
    const comfyui = { kind: "attach", url: `http://127.0.0.1:${await freePort()}` } as const;
    const agent = agentFor(gateway, comfyui, await temporaryFolder());
    await gateway.until(() => gateway.cutCalls > 1);
    await agent.stop();
    expect(await agent.done).toEqual({ reason: "stopped" });
  });

  test("takes the ComfyUI that it started along", async () => {
    const { gateway, agent, comfyUrl } = await spawnedStack();
    await gateway.until(() => gateway.readies.length === 1);
    await agent.stop();
    await expect(fetch(`${comfyUrl}/system_stats`)).rejects.toThrow();
  });
});

test("a ComfyUI that is found later is used then", async () => {
  const folder = await temporaryFolder();
  const port = await freePort();
  const gateway = await startGateway();
  agentFor(gateway, { kind: "attach", url: `http://127.0.0.1:${port}` }, folder);
  const job = gateway.submit(pictureWorkflow());
  await gateway.until(() => gateway.heartbeats > 2);
  const comfy = new FakeComfy({ folder, port });
  await comfy.start();
  expect((await gateway.endOf(job)).kind).toBe("completed");
  comfy.close();
});
