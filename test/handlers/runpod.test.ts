import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { packagePath } from "../../src/cli/package-paths.ts";
import { mintToken } from "../../src/gateway/credentials.ts";
import { startTestGateway, type TestGateway } from "../contract/gateway.ts";
import { postgresServers } from "../database.ts";
import { Api } from "../e2e/api.ts";
import { flatPicture } from "../e2e/workflows.ts";
import { startRunpodQueue, type RunpodQueue } from "./runpod-queue.ts";

describe("a worker in a container of RunPod", () => {
  let folder: string;
  let queue: RunpodQueue;
  let worker: ChildProcess;
  let gateway: TestGateway;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "hearth-runpod-"));
    queue = await startRunpodQueue();
    gateway = await startTestGateway(postgresServers()[0]!.url);
    const args = [packagePath("bin/hearth.mjs"), "worker", "--folder", join(folder, "worker")];
    const env = { PATH: process.env.PATH ?? "", ...queue.environment, HEARTH_LOG_LEVEL: "silent" };
    worker = spawn(process.execPath, args, { cwd: folder, env, stdio: "ignore" });
  });
  afterAll(async () => {
    const ended = once(worker, "exit");
    worker.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    await gateway.close();
    await queue.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("runs a workflow that is posted to the endpoint itself, and says how long it took", async () => {
    const { id, result } = queue.run({ workflow: flatPicture(255) });
    const { output } = (await result) as {
      output: { output: { node_id: string; data_base64: string }[]; execution_time: number };
    };
    expect(output).toMatchObject({ execution_id: id, status: "completed" });
    expect(output.execution_time).toBeGreaterThan(0);
    const [picture] = output.output;
    expect(picture).toMatchObject({ node_id: "9", content_type: "image/png", type: "image" });
    const { format } = await sharp(Buffer.from(picture!.data_base64, "base64")).metadata();
    expect(format).toBe("png");
    expect(queue.pings).toContain(id);
  });

  it("answers with ComfyUI's own words where a workflow is not right", async () => {
    const workflow = { "1": { class_type: "NoSuchClass", inputs: {} } };
    const { error } = await queue.run({ workflow }).result;
    expect(error).toContain("NoSuchClass");
    expect(await queue.run({ prompt: "a cat" }).result).toEqual({
      error: "input.workflow: must be a workflow in API format",
    });
  });

  it("starts an agent for a launch, which runs jobs of the gateway until it is stopped", async () => {
    const { token, tokenHash } = mintToken(randomBytes(32));
    const { store, deploymentId } = gateway.fixture;
    const enrollment = { tokenHash, deploymentId, instanceId: null, validMs: 60_000 };
    await store.workers.createEnrollment(enrollment);
    const environment = { HEARTH_ENROLLMENT_TOKEN: token, HEARTH_GATEWAY_URL: gateway.url };
    const { id, result } = queue.run({ hearth: { environment } });
    const api = new Api(gateway.url);
    expect(await api.run(flatPicture(3))).toMatchObject({ status: "succeeded" });
    queue.stop(id);
    expect(await result).toEqual({ output: { status: "drained" } });
    expect((await store.workers.list()).length).toBe(0);
  });
});
