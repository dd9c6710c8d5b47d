import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { wire } from "../contract/validating-fetch.ts";
import { postgresServers } from "../database.ts";
import { Api } from "./api.ts";
import { startStack, type Stack } from "./stack.ts";
import { flatPicture, invertPicture, longChain, manyOutputs } from "./workflows.ts";

/** What any ComfyUI behind a worker must do, with nodes that need no model. */
export function describeComfyui(name: string, comfyuiUrl: string | undefined): void {
  describe(`a job end to end on ${name}`, () => {
    let stack: Stack;
    let api: Api;
    beforeAll(async () => {
      const options = comfyuiUrl === undefined ? {} : { comfyuiUrl };
      stack = await startStack(postgresServers()[0]!.url, options);
      api = new Api(stack.gateway.url);
    });
    afterAll(async () => {
      await stack.close();
      expect(wire.faults).toEqual([]);
    });

    /** Never the same twice, so that no cache answers. */
    const newColor = (): number => Math.floor(Math.random() * 0xffffff);
    const channels = async (bytes: Buffer): Promise<readonly number[]> => [
      ...(await sharp(bytes).removeAlpha().raw().toBuffer()).subarray(0, 3),
    ];
    const channelsOf = (color: number): readonly number[] => [
      color >> 16,
      (color >> 8) & 255,
      color & 255,
    ];

    it("makes the picture that was asked for", async () => {
      const color = newColor();
      const job = await api.run(flatPicture(color, 48));
      expect(job).toMatchObject({ status: "succeeded", error: null });
      expect(job.outputs).toHaveLength(1);
      const bytes = await api.bytes(job.outputs[0]!);
      expect(await sharp(bytes).metadata()).toMatchObject({ width: 48, height: 48, format: "png" });
      expect(await channels(bytes)).toEqual(channelsOf(color));
    });

    it("works on an upload, named by its path or by its asset", async () => {
      const color = newColor();
      const create = {
        width: 9,
        height: 5,
        channels: 3,
        background: { r: color >> 16, g: (color >> 8) & 255, b: color & 255 },
      } as const;
      const png = await sharp({ create }).png().toBuffer();
      const asset = await api.upload(Buffer.from(png), "folder/in put.png");
      const reference = { __type: "core/ASSET", info: { id: asset.id } };
      for (const image of ["folder/in put.png", reference]) {
        const job = await api.run(invertPicture(image));
        expect(job.error).toBeNull();
        // ComfyUI computes in floats and cuts them off, so a channel may be one less.
        const off = (await channels(await api.bytes(job.outputs[0]!))).map(
          (value, at) => channelsOf(0xffffff - color)[at]! - value,
        );
        expect(off.every((each) => each === 0 || each === 1)).toBe(true);
      }
    });

    it("delivers pictures, animations, latents and text alike", async () => {
      const job = await api.run(manyOutputs(newColor()));
      expect(job.error).toBeNull();
      const types = job.outputs.map((output) => `${output.node_id} ${output.type}`).toSorted();
      expect(types).toEqual(["10 image", "11 image", "12 latent", "13 text"]);
      for (const output of job.outputs) {
        expect((await api.bytes(output)).length).toBe(output.size_bytes);
      }
    });

    it("delivers again what the cache of ComfyUI answers", async () => {
      const workflow = flatPicture(newColor());
      const [first, again] = [await api.run(workflow), await api.run(workflow)];
      const [left, right] = [first.outputs[0]!, again.outputs[0]!];
      expect(left.hash).toBe(right.hash);
      expect(left.id).not.toBe(right.id);
    });

    it("tells a workflow that ComfyUI refuses from a node that fails", async () => {
      const refused = await api.run(flatPicture(newColor(), 0));
      expect(refused).toMatchObject({ status: "failed", error: { code: "prompt_rejected" } });
      expect(refused.error?.message).toMatch(/width|height/u);
      const workflow = flatPicture(newColor());
      const escaping = { ...workflow["9"]!.inputs, filename_prefix: "../../out" };
      const failed = await api.run({ ...workflow, "9": { ...workflow["9"], inputs: escaping } });
      expect(failed).toMatchObject({
        status: "failed",
        error: { code: "node_execution_error", node_id: "9", class_type: "SaveImage" },
      });
    });

    it("counts the nodes as they are done", async () => {
      const { id } = await api.submit(longChain(newColor(), 12));
      const values: number[] = [];
      for await (const { event, data } of api.events(id)) {
        if (event === "progress") values.push(data.value as number);
      }
      expect(values.length).toBeGreaterThan(1);
      expect(values).toEqual(values.toSorted((left, right) => left - right));
      expect((await api.get(id)).status).toBe("succeeded");
    });

    it("cancels a job that runs, and goes on with the next", async () => {
      const { id } = await api.submit(longChain(newColor(), 400));
      for await (const { event } of api.events(id)) {
        if (event === "progress") break;
      }
      expect((await api.cancel(id)).status).toBe("canceling");
      expect((await api.end(id)).status).toBe("canceled");
      expect((await api.run(flatPicture(newColor()))).status).toBe("succeeded");
    });

    it("finishes each of many jobs once and with its own picture", async () => {
      const colors = Array.from({ length: 20 }, newColor);
      const jobs = await Promise.all(colors.map((color) => api.run(flatPicture(color))));
      const got = await Promise.all(
        jobs.map(async (job) => channels(await api.bytes(job.outputs[0]!))),
      );
      expect(got).toEqual(colors.map(channelsOf));
    });
  });
}
