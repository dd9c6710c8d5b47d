import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import type { Claim } from "../../src/store/attempts.ts";
import { postgresServers } from "../database.ts";
import { flatPicture } from "../e2e/workflows.ts";
import { call } from "./client.ts";
import { openEvents, type EventReader } from "./event-stream.ts";
import { startTestGateway, type TestGateway } from "./gateway.ts";
import { ScriptedWorker } from "./scripted-worker.ts";
import { wire } from "./validating-fetch.ts";

let gateway: TestGateway;
let worker: ScriptedWorker;
let skewMs = 0;
const open: EventReader[] = [];

beforeAll(async () => {
  gateway = await startTestGateway(postgresServers()[0]!.url, {
    limits: { streamsPerTenant: 3 },
    now: () => Date.now() + skewMs,
  });
  worker = await ScriptedWorker.enroll(gateway.fixture, gateway.blobs);
});

afterEach(() => {
  for (const reader of open.splice(0)) reader.close();
});

afterAll(async () => {
  await gateway.close();
  expect(wire.faults).toEqual([]);
});

async function submit(): Promise<string> {
  const { body } = await call(`${gateway.url}/api/v2/jobs`, "POST", { workflow: flatPicture(1) });
  return `${gateway.url}/api/v2/jobs/${String(body.id)}`;
}

async function follow(jobUrl: string): Promise<EventReader> {
  const reader = await openEvents(jobUrl);
  open.push(reader);
  return reader;
}

async function running(): Promise<{ readonly jobUrl: string; readonly claim: Claim }> {
  const jobUrl = await submit();
  return { jobUrl, claim: await worker.claim() };
}

/** What is left of a stream, in short: statuses by their name, the rest by their kind. */
async function rest(reader: EventReader): Promise<readonly string[]> {
  const seen: string[] = [];
  for await (const { event, data } of reader) {
    seen.push(event === "status" ? String(data.status) : event);
  }
  return seen;
}

const out = (name: string): { nodeId: string; name: string; bytes: Uint8Array } => ({
  nodeId: "9",
  name,
  bytes: Buffer.from(name),
});

describe("a stream of events", () => {
  it("begins with the state of things and ends with the last status", async () => {
    const { jobUrl, claim } = await running();
    await worker.progress(claim, 0.25);
    await worker.preview(claim, Buffer.from("picture"));
    await worker.output(claim, [out("a.png")]);
    const reader = await follow(jobUrl);
    expect(await reader.take()).toEqual({
      event: "status",
      data: { status: "running", queue_position: null },
    });
    expect(await reader.take()).toMatchObject({ event: "progress", data: { value: 0.25 } });
    expect(await reader.take()).toEqual({
      event: "preview",
      data: {
        node_id: "9",
        content_type: "image/jpeg",
        data_base64: Buffer.from("picture").toString("base64"),
      },
    });
    expect(await reader.take()).toMatchObject({ event: "output", data: { name: "a.png" } });
    await worker.complete(claim, [out("a.png"), out("b.png")]);
    expect(await reader.take()).toMatchObject({ event: "output", data: { name: "b.png" } });
    expect(await rest(reader)).toEqual(["succeeded"]);
  });

  it("tells the place in the queue as it changes", async () => {
    const [first, second] = [await submit(), await submit()];
    const reader = await follow(second);
    expect(await reader.take()).toMatchObject({ data: { status: "queued", queue_position: 1 } });
    await call(`${first}/cancel`, "POST");
    expect(await reader.take()).toMatchObject({ data: { status: "queued", queue_position: 0 } });
    await call(`${second}/cancel`, "POST");
    expect(await rest(reader)).toEqual(["canceled"]);
  });

  it("of a job that has ended says everything at once", async () => {
    const { jobUrl, claim } = await running();
    await worker.complete(claim, [out("a.png")]);
    expect(await rest(await follow(jobUrl))).toEqual(["output", "succeeded"]);
  });

  it("tells the same to each of several clients", async () => {
    const { jobUrl, claim } = await running();
    const readers = [await follow(jobUrl), await follow(jobUrl)];
    const stories = readers.map(rest);
    await worker.output(claim, [out("a.png")]);
    await worker.complete(claim, [out("a.png")]);
    for (const story of stories) expect(await story).toEqual(["running", "output", "succeeded"]);
  });

  it("needs no hint to notice that a job has ended", async () => {
    const { jobUrl, claim } = await running();
    const reader = await follow(jobUrl);
    await reader.take();
    await gateway.fixture.store.attempts.complete(claim, [], { log: null, timings: {} });
    expect(await rest(reader)).toEqual(["succeeded"]);
  });

  it("leaves out progress that comes too fast, but not the latest", async () => {
    const { jobUrl, claim } = await running();
    const reader = await follow(jobUrl);
    for (let step = 1; step <= 100; step++) await worker.progress(claim, step / 100);
    const values: number[] = [];
    while (values.at(-1) !== 1) {
      const { event, data } = (await reader.take())!;
      if (event === "progress") values.push(Number(data.value));
    }
    expect(values.length).toBeLessThan(20);
    expect(values).toEqual(values.toSorted((left, right) => left - right));
    await worker.complete(claim, []);
    expect(await rest(reader)).toEqual(["succeeded"]);
  });

  it("says something now and then while nothing happens", async () => {
    const { jobUrl, claim } = await running();
    const reader = await follow(jobUrl);
    await reader.take();
    skewMs += 11_000;
    expect(await reader.take()).toMatchObject({ event: "comment" });
    await worker.complete(claim, []);
    expect(await rest(reader)).toEqual(["succeeded"]);
  });

  it("is one of a few for a tenant, and gives its place back", async () => {
    const { jobUrl, claim } = await running();
    const readers = [await follow(jobUrl), await follow(jobUrl), await follow(jobUrl)];
    const refused = await call(`${jobUrl}/events`);
    expect(refused).toMatchObject({ status: 429, code: "too_many_streams" });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect((await call(jobUrl)).status).toBe(200);
    readers[0]?.close();
    await expect
      .poll(async () => (await fetch(`${jobUrl}/events`)).status, { timeout: 5_000 })
      .toBe(200);
    await worker.complete(claim, []);
  });

  it("is not opened by a HEAD", async () => {
    const { jobUrl, claim } = await running();
    expect((await call(`${jobUrl}/events`, "HEAD")).status).toBe(404);
    await worker.complete(claim, []);
  });
});

it("a gateway that stops ends its streams, so that clients turn to another", async () => {
  const stopping = await startTestGateway(postgresServers()[0]!.url);
  const body = { workflow: flatPicture(1) };
  const { body: job } = await call(`${stopping.url}/api/v2/jobs`, "POST", body);
  const reader = await openEvents(`${stopping.url}/api/v2/jobs/${String(job.id)}`);
  await reader.take();
  const story = rest(reader);
  await stopping.gateway.close();
  expect(await story).toEqual([]);
  await stopping.close();
});
