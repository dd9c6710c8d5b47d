import { readFile } from "node:fs/promises";
import { join } from "node:path";

import {
  type Comfy,
  IdempotencyKeyReuse,
  InvalidWorkflow,
  JobFailed,
  MissingAsset,
  NotFound,
  WorkflowFormatUi,
} from "@comfyorg/sdk";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { officialClient } from "../contract/client.ts";
import { wire } from "../contract/validating-fetch.ts";
import { flatPicture, invertPicture, steppedPicture, type TestWorkflow } from "./workflows.ts";

export interface ServedApi {
  readonly url: string;
  /** Absent where the caller needs none. */
  readonly apiKey?: string;
  /** For files that the tests write. */
  readonly folder: string;
  close(): Promise<void>;
}

/** What the official npm SDK does, with a worker behind whatever serves the API. */
export function describeOfficialSdk(name: string, open: () => Promise<ServedApi>): void {
  describe(`the official npm SDK ${name}`, () => {
    let served: ServedApi;
    let client: Comfy;
    beforeAll(async () => {
      served = await open();
      client = clientFor(served.url);
    });
    afterAll(async () => {
      await served.close();
      expect(wire.faults).toEqual([]);
      expect(wire.bodies).toBeGreaterThan(20);
    });

    const clientFor = (url: string): Comfy => officialClient(url, served.apiKey);
    const graph = (workflow: TestWorkflow): ReturnType<Comfy["workflows"]["fromJson"]> =>
      client.workflows.fromJson(structuredClone(workflow));
    const photo = (blue: number): Promise<Buffer> =>
      sharp({
        create: { width: 20, height: 10, channels: 3, background: { r: 255, g: 0, b: blue } },
      })
        .png()
        .toBuffer();
    const pixel = async (bytes: Uint8Array): Promise<readonly number[]> => [
      ...(await sharp(bytes).removeAlpha().raw().toBuffer()).subarray(0, 3),
    ];

    it("uploads once and gets the same asset the second time", async () => {
      const bytes = await photo(1);
      const first = client.assets.fromBytes(bytes, { filename: "a.png", contentType: "image/png" });
      const again = client.assets.fromBytes(bytes, { filename: "a.png", contentType: "image/png" });
      const [id, same] = [await first.commit(), await again.commit()];
      expect(first.createdNew).toBe(true);
      expect(same).toBe(id);
    });

    it("runs a picture by core/ASSET and by its file name, and saves the output", async () => {
      const bytes = await photo(2);
      const options = { filename: "my photo.png", contentType: "image/png" };
      const asset = client.assets.fromBytes(bytes, options);
      const byAsset = graph(invertPicture("replaced"));
      byAsset.setInput("1", "image", asset);
      const job = await client.run(byAsset);
      const path = join(served.folder, "out.png");
      await job.getOutputs("9")[0]?.toFile(path);
      expect(await pixel(await readFile(path))).toEqual([0, 255, 253]);
      const byName = await client.run(graph(invertPicture("my photo.png")));
      const output = byName.getOutputs("9")[0]!;
      expect(await pixel(await output.toBytes())).toEqual([0, 255, 253]);
      expect(Buffer.from(await output.toBytes({ range: [1, 3] })).toString()).toBe("PNG");
      const { url } = await output.getDownloadUrl();
      expect((await fetch(url)).status).toBe(200);
    });

    it("follows progress, previews and outputs to the end", async () => {
      const job = await client.submit(graph(steppedPicture(7, 12, 60)));
      const kinds = new Set<string>();
      const values: number[] = [];
      for await (const event of job.events()) {
        kinds.add(event.kind);
        if (event.kind === "progress") values.push(event.value);
      }
      expect([...kinds].toSorted()).toEqual(["outputReady", "preview", "progress", "statusChange"]);
      expect(values).toEqual(values.toSorted((left, right) => left - right));
      await job.refresh();
      expect(job.status).toBe("succeeded");
    });

    it("cancels a job that runs, and one that waits behind it", async () => {
      const running = await client.submit(graph(steppedPicture(8, 1000, 50)));
      const waiting = await client.submit(graph(flatPicture(1)));
      for await (const event of running.events()) {
        if (event.kind === "progress") break;
      }
      await waiting.cancel();
      expect(waiting.status).toBe("canceled");
      await running.cancel();
      await running
        .wait(20_000)
        .catch((thrown: unknown) => expect(thrown).toBeInstanceOf(JobFailed));
      expect(running.status).toBe("canceled");
    });

    it("throws its typed errors", async () => {
      const submit = (workflow: object): Promise<unknown> =>
        client.submit(client.workflows.fromJson(workflow as Record<string, unknown>));
      const unknown = { "1": { class_type: "NoSuchClass", inputs: {} } };
      await expect(submit(unknown)).rejects.toBeInstanceOf(InvalidWorkflow);
      await expect(submit({ nodes: [], links: [] })).rejects.toBeInstanceOf(WorkflowFormatUi);
      await expect(submit(invertPicture("nobody has.png"))).rejects.toBeInstanceOf(MissingAsset);
      const nowhere = "00000000-0000-7000-8000-000000000000";
      await expect(client.jobs.get(nowhere)).rejects.toBeInstanceOf(NotFound);
      await expect(client.assets.get(nowhere)).rejects.toBeInstanceOf(NotFound);
    });

    it("is told of a node's failure with node, class and message", async () => {
      const workflow = {
        "1": {
          class_type: "EmptyImage",
          inputs: { width: 16384, height: 16384, batch_size: 1, color: 0 },
        },
        "9": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "x" } },
      };
      const job = await client.submit(graph(workflow));
      await job.wait(20_000).catch(() => undefined);
      expect(job.status).toBe("failed");
      expect(job.error).toMatchObject({
        code: "node_execution_error",
        node_id: "1",
        class_type: "EmptyImage",
      });
    });

    it("acts once for an idempotency key", async () => {
      const idempotencyKey = "once-and-only-once";
      await client.submit(graph(flatPicture(2)), { idempotencyKey });
      await expect(client.submit(graph(flatPicture(3)), { idempotencyKey })).rejects.toBeInstanceOf(
        IdempotencyKeyReuse,
      );
    });

    it("works the same under a deployment's own base URL", async () => {
      const mounted = clientFor(`${served.url}/d/default`);
      const job = await mounted.run(mounted.workflows.fromJson({ ...flatPicture(4) }));
      expect(job.getOutputs("9")).toHaveLength(1);
      const { workflow, format } = await job.getWorkflow();
      expect(format).toBe("api");
      expect(workflow).toEqual(flatPicture(4));
    });

    it("gets the same picture again when ComfyUI answers from its cache", async () => {
      const first = await client.run(graph(flatPicture(5)));
      const again = await client.run(graph(flatPicture(5)));
      const [left, right] = [first, again].map((job) => job.getOutputs("9")[0]!);
      expect(await left!.toBytes()).toEqual(await right!.toBytes());
    });
  });
}
