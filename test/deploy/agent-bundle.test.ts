import { spawn } from "node:child_process";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, open, readFile, rm, symlink } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Worker } from "node:worker_threads";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { agentProgram, bundleAgent, nativePackage } from "../../src/cli/build/bundle-agent.ts";
import { packagePath } from "../../src/cli/package-paths.ts";
import { startEngine, type Engine } from "../../src/engine/engine.ts";
import { defaultPatience } from "../../src/models/io/fetch-options.ts";
import type { FetchNews, FetchTask } from "../../src/models/io/fetch-thread.ts";
import { startTestGateway, type TestGateway } from "../contract/gateway.ts";
import { postgresServers } from "../database.ts";
import { flatPicture } from "../e2e/workflows.ts";

describe("the agent as one bundle", () => {
  let folder: string;
  let agentBytes: number;
  let gateway: TestGateway;
  let engine: Engine;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "hearth-bundle-"));
    agentBytes = await bundleAgent(join(folder, "agent"));
    // Of the image's own `npm install`, the part that this machine has already.
    const [scope = ""] = nativePackage.split("/");
    await mkdir(join(folder, "agent", "node_modules"));
    const installed = packagePath(join("node_modules", scope));
    await symlink(installed, join(folder, "agent", "node_modules", scope), "dir");
    gateway = await startTestGateway(postgresServers()[0]!.url);
    engine = await startEngine({ folder: join(folder, "engine") });
  });
  afterAll(async () => {
    await gateway.close();
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("is small", () => {
    expect(agentBytes).toBeGreaterThan(100_000);
    expect(agentBytes).toBeLessThan(15_000_000);
  });

  it("holds the thread that fetches model files", async () => {
    const bytes = randomBytes(3 * 1024 * 1024);
    const server = createServer((request, response) => {
      const [, from, to] = /bytes=(\d+)-(\d+)/u.exec(request.headers.range ?? "") ?? [];
      const range = `bytes ${from}-${to}/${bytes.length}`;
      response.writeHead(206, { "content-range": range });
      response.end(bytes.subarray(Number(from), Number(to) + 1));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const path = join(folder, "model");
    const file = await open(path, "w");
    const journal = await open(join(folder, "journal"), "w");
    const task: FetchTask = {
      fd: file.fd,
      journalFd: journal.fd,
      totalBytes: bytes.length,
      blockBytes: 1024 * 1024,
      done: new Uint8Array(3),
      url: `http://127.0.0.1:${port}/`,
      validator: null,
      egress: { allow: ["127.0.0.1"], tokens: new Map(), connectMs: 5_000, silenceMs: 5_000 },
      patience: defaultPatience,
    };
    const program = join(folder, "agent", dirname(agentProgram), "fetch-thread.mjs");
    const thread = new Worker(program, { workerData: task });
    const news: FetchNews[] = [];
    thread.on("message", (each: FetchNews) => news.push(each));
    await once(thread, "exit");
    await Promise.all([file.close(), journal.close()]);
    server.close();
    expect(news.at(-1)).toEqual({ kind: "end", fault: null });
    expect((await readFile(path)).equals(bytes)).toBe(true);
  });

  it("runs a job by itself and leaves when it is told to", async () => {
    const program = join(folder, "agent", agentProgram);
    const place = ["--gateway", gateway.url, "--comfyui-url", engine.url];
    const args = [program, "worker", ...place, "--folder", join(folder, "work")];
    // Away from the checkout: nothing of it may be needed.
    const child = spawn(process.execPath, args, { cwd: folder, stdio: "ignore" });
    const ended = once(child, "exit");
    const submitted = await fetch(`${gateway.url}/api/v2/jobs`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ workflow: flatPicture(3) }),
    });
    const { urls } = (await submitted.json()) as { urls: { events: string } };
    const story = await (await fetch(gateway.url + urls.events)).text();
    expect(story).toMatch(/"status":"succeeded"[^\n]*\n\n$/u);
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
  });
});
