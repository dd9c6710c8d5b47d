import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { JobFailed, MissingAsset, NotFound, InvalidWorkflow } from "@comfyorg/sdk";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { postgresServers } from "../database.ts";
import { flatPicture, invertPicture } from "../e2e/workflows.ts";
import { officialClient } from "./client.ts";
import { startTestGateway, type TestGateway } from "./gateway.ts";
import { ScriptedWorker } from "./scripted-worker.ts";
import { wire } from "./validating-fetch.ts";

let gateway: TestGateway;
let worker: ScriptedWorker;
let photo: Buffer;

beforeAll(async () => {
  gateway = await startTestGateway(postgresServers()[0]!.url);
  worker = await ScriptedWorker.enroll(gateway.fixture, gateway.blobs);
  const create = { width: 8, height: 8, channels: 3, background: "teal" } as const;
  photo = await sharp({ create }).png().toBuffer();
});

afterAll(async () => {
  await gateway.close();
  expect(wire.faults).toEqual([]);
});

const picture = (bytes: Uint8Array): { nodeId: string; name: string; bytes: Uint8Array } => ({
  nodeId: "9",
  name: "e2e_00001_.png",
  bytes,
});

describe.each(["", "/d/default"])("the official client under %j", (prefix) => {
  it("uploads once, and by hash from then on", async () => {
    const client = officialClient(gateway.url + prefix);
    const bytes = Buffer.concat([photo, Buffer.from(prefix)]);
    const first = client.assets.fromBytes(bytes, { filename: "same.png" });
    const second = client.assets.fromBytes(bytes, { filename: "same.png" });
    const other = client.assets.fromBytes(bytes, { filename: "other.png" });
    expect(await first.commit()).toBe(await second.commit());
    expect([first.createdNew, second.createdNew]).toEqual([true, false]);
    expect(await other.commit()).not.toBe(await first.commit());
    const id = await other.commit();
    await other.delete();
    await expect(client.assets.get(id)).rejects.toBeInstanceOf(NotFound);
  });

  it("runs a workflow on an upload, by name and by reference, and fetches the result", async () => {
    const client = officialClient(gateway.url + prefix);
    const asset = client.assets.fromBytes(photo, { filename: `photo ${prefix.length}.png` });
    await asset.commit();
    const byName = await client.submit(client.workflows.fromJson(invertPicture(asset.filePath)));
    const byReference = client.workflows.fromJson(invertPicture("placeholder"));
    byReference.setInput("1", "image", asset);
    const referenced = await client.submit(byReference);
    for (const job of [byName, referenced]) {
      const claim = await worker.claim();
      expect(claim.inputs).toEqual([
        expect.objectContaining({ path: ["1", "inputs", "image"], assetId: asset.id }),
      ]);
      await worker.complete(claim, [picture(photo)]);
      await job.wait(10_000);
      const [output] = job.getOutputs("9");
      const folder = await mkdtemp(join(tmpdir(), "hearth-contract-"));
      try {
        const saved = await readFile((await output?.toFile(join(folder, "out.png"))) ?? "");
        expect(saved.equals(photo)).toBe(true);
      } finally {
        await rm(folder, { recursive: true });
      }
      expect(Buffer.from((await output?.toBytes({ range: [1, 3] })) ?? []).toString()).toBe("PNG");
      expect((await output?.getDownloadUrl())?.url).toContain(`${prefix}/api/v2/assets/`);
      expect((await job.getWorkflow()).format).toBe("api");
    }
  });

  it("follows a job's events to its end", async () => {
    const client = officialClient(gateway.url + prefix);
    const job = await client.submit(client.workflows.fromJson(flatPicture(1)));
    const claim = await worker.claim();
    await worker.progress(claim, 0.25, { nodesDone: 1, step: 1, steps: 4 });
    await worker.preview(claim, Buffer.from("a jpeg"));
    await worker.output(claim, [picture(photo)]);
    const kinds: string[] = [];
    for await (const event of job.events()) {
      kinds.push(event.kind === "statusChange" ? event.status : event.kind);
      if (event.kind === "outputReady") await worker.complete(claim, [picture(photo)]);
    }
    expect(kinds).toEqual(["running", "progress", "preview", "outputReady", "succeeded"]);
    expect((await job.refresh()).outputs).toHaveLength(1);
  });

  it("cancels a job that is queued, and one that runs", async () => {
    const client = officialClient(gateway.url + prefix);
    const queued = await client.submit(client.workflows.fromJson(flatPicture(2)));
    expect((await queued.cancel()).status).toBe("canceled");
    const running = await client.submit(client.workflows.fromJson(flatPicture(3)));
    const claim = await worker.claim();
    expect((await running.cancel()).status).toBe("canceling");
    await worker.confirmCancel(claim);
    expect((await running.cancel()).status).toBe("canceled");
    await expect(running.result()).rejects.toBeInstanceOf(JobFailed);
  });

  it("gets typed errors", async () => {
    const client = officialClient(gateway.url + prefix);
    const submit = (graph: Record<string, unknown>): Promise<unknown> =>
      client.submit(client.workflows.fromJson(graph));
    const reference = {
      __type: "core/ASSET",
      info: { id: "0198c0de-0000-7000-8000-000000000001" },
    };
    await expect(submit({ "1": { class_type: "Nope", inputs: {} } })).rejects.toBeInstanceOf(
      InvalidWorkflow,
    );
    await expect(submit(invertPicture(reference))).rejects.toBeInstanceOf(MissingAsset);
    await expect(submit(invertPicture("no-such-upload.png"))).rejects.toBeInstanceOf(MissingAsset);
    await expect(client.jobs.get("no-such-job")).rejects.toBeInstanceOf(NotFound);
    const failing = await client.submit(client.workflows.fromJson(flatPicture(4)));
    await worker.fail(await worker.claim(), "the node raised an error");
    await expect(failing.result()).rejects.toMatchObject({
      error: { code: "node_execution_error", node_id: "9", class_type: "SaveImage" },
    });
  });
});
