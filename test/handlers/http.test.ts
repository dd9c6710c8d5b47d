import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { packagePath } from "../../src/cli/package-paths.ts";
import { findFreePort } from "../../src/store/embedded/readiness.ts";
import { flatPicture } from "../e2e/workflows.ts";

const token = "a-token-for-this-test";
const command = [packagePath("bin/hearth.mjs"), "worker", "--handler", "http"];

describe("a worker as an HTTP service", () => {
  let folder: string;
  let url: string;
  let worker: ChildProcess;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "hearth-http-"));
    const PORT = String(await findFreePort());
    url = `http://127.0.0.1:${PORT}`;
    const env = { PATH: process.env.PATH ?? "", PORT, HEARTH_HANDLER_TOKEN: token };
    worker = spawn(process.execPath, [...command, "--folder", join(folder, "worker")], {
      cwd: folder,
      env: { ...env, HEARTH_LOG_LEVEL: "silent" },
      stdio: "ignore",
    });
    await vi.waitFor(async () => expect((await fetch(`${url}/health`)).status).toBe(200), 30_000);
  }, 60_000);
  afterAll(async () => {
    const ended = once(worker, "exit");
    worker.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const post = async (
    body: unknown,
    path = "/run",
    authorization = `Bearer ${token}`,
  ): Promise<{ status: number; body: Record<string, unknown>; retryAfter: string | null }> => {
    const headers = { authorization, "content-type": "application/json" };
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const reply = await fetch(url + path, { method: "POST", headers, body: text });
    const retryAfter = reply.headers.get("retry-after");
    const answered = (await reply.json()) as Record<string, unknown>;
    return { status: reply.status, body: answered, retryAfter };
  };

  it("runs a workflow and answers with its pictures, as an endpoint of RunPod would", async () => {
    const { status, body } = await post({ input: { workflow: flatPicture(200) } }, "/");
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: "completed" });
    expect(body["execution_time"]).toBeGreaterThan(0);
    const [picture] = body["output"] as { data_base64: string; content_type: string }[];
    expect(picture?.content_type).toBe("image/png");
    const { format } = await sharp(Buffer.from(picture!.data_base64, "base64")).metadata();
    expect(format).toBe("png");
  });

  it("says what is wrong with a request, by field", async () => {
    expect(await post({ input: {} })).toMatchObject({
      status: 422,
      body: { error: { code: "invalid_request", message: expect.stringContaining("workflow") } },
    });
    expect(await post("{")).toMatchObject({
      status: 400,
      body: { error: { code: "invalid_json" } },
    });
    const unknown = { "1": { class_type: "NoSuchClass", inputs: {} } };
    const refused = await post({ input: { workflow: unknown } });
    expect(refused).toMatchObject({ status: 422, body: { status: "error" } });
    expect(JSON.stringify(refused.body)).toContain("NoSuchClass");
  });

  it("lets nobody in without the token", async () => {
    const body = { input: { workflow: flatPicture(1) } };
    expect((await post(body, "/run", "Bearer wrong")).status).toBe(401);
    expect((await post(body, "/run", "")).status).toBe(401);
  });

  it("runs one workflow at a time, and says when to come again", async () => {
    const replies = await Promise.all(
      [1, 2, 3, 4].map((level) => post({ input: { workflow: flatPicture(level) } })),
    );
    const done = replies.filter(({ status }) => status === 200);
    const busy = replies.filter(({ status }) => status === 503);
    expect(done.length).toBeGreaterThan(0);
    expect(done.length + busy.length).toBe(4);
    for (const { retryAfter } of busy) expect(retryAfter).toBe("5");
  });

  it("does not start where others could reach it without a token", async () => {
    const env = { PATH: process.env.PATH ?? "", PORT: "1" };
    const open = spawn(process.execPath, command, { cwd: folder, env, stdio: "ignore" });
    expect(await once(open, "exit")).toEqual([2, null]);
  });
});
