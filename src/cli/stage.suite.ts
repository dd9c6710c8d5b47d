import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

import { expect, onTestFinished, vi } from "vitest";

import { postgresServers } from "../../test/database.ts";
import { addWorker, claimOne, openTestStore, type TestStore } from "../../test/store.ts";
import type { BlobStore } from "../blobs/blobs.ts";
import { openFileBlobs } from "../blobs/fs/store.ts";
import { defaultLimits } from "../gateway/context.ts";
import { startGateway, type Gateway } from "../gateway/server.ts";
import { createLogger } from "../observability/logger.ts";
import { defaultLeaseTiming } from "../queue/lease.ts";
import type { Claim } from "../store/attempts.ts";
import { findFreePort } from "../store/embedded/readiness.ts";
import { runCli } from "./main.ts";

const [server] = postgresServers();
const signingKey = randomBytes(32);

/** How the attempts of these tests end. */
export const attemptEnd = { log: { text: "loaded\u001B[2J\n", truncated: false }, timings: {} };

/** Stands in each stage's folder as `w.json`. */
export const workflow = {
  "3": { class_type: "EmptyImage", inputs: { width: 8, height: 8, color: 0 } },
  "9": { class_type: "SaveImage", inputs: { images: ["3", 0], filename_prefix: "x" } },
};

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A real gateway over a real store, with the part of a worker played by the test. */
export class Stage {
  readonly fixture: TestStore;
  readonly folder: string;
  readonly blobs: BlobStore;
  readonly port: number;
  private gateway: Gateway | undefined;

  private constructor(fixture: TestStore, folder: string, blobs: BlobStore, port: number) {
    this.fixture = fixture;
    this.folder = folder;
    this.blobs = blobs;
    this.port = port;
  }

  static async open(): Promise<Stage> {
    const fixture = await openTestStore(server?.url ?? "");
    const folder = await mkdtemp(join(tmpdir(), "hearth-client-"));
    const port = await findFreePort();
    const blobs = await openFileBlobs({
      folder: join(folder, "blobs"),
      baseUrl: `http://127.0.0.1:${port}`,
      signingKey: signingKey,
      clock: { now: Date.now },
    });
    const stage = new Stage(fixture, folder, blobs, port);
    onTestFinished(async () => {
      await stage.stopGateway();
      await fixture.close();
      await rm(folder, { recursive: true, force: true });
    });
    await mkdir(join(folder, "out"));
    await writeFile(join(folder, "w.json"), JSON.stringify(workflow));
    await stage.startGateway();
    return stage;
  }

  async startGateway(): Promise<void> {
    this.gateway = await startGateway({
      store: this.fixture.store,
      blobs: this.blobs,
      settings: {
        publicUrl: this.url,
        trustsLoopback: true,
        limits: defaultLimits,
        lease: defaultLeaseTiming,
        signedUrlMs: 60_000,
      },
      logger: createLogger({ level: "silent" }),
      clock: { now: Date.now },
      sealKey: randomBytes(32),
      blobSigningKey: signingKey,
      host: "127.0.0.1",
      port: this.port,
    });
  }

  /** Stands before the gateway; `spoil` sees each request after it took effect, and its answer. */
  async proxy(
    spoil: (request: IncomingMessage, answer: ServerResponse) => boolean,
  ): Promise<string> {
    const proxy = createServer((request, answer) => {
      const { method = "GET", url = "/", headers } = request;
      const { host: _, "transfer-encoding": __, connection: ___, ...kept } = headers;
      void buffer(request)
        .then((body) =>
          fetch(this.url + url, {
            method,
            headers: kept as Record<string, string>,
            ...(body.length > 0 && { body }),
          }),
        )
        .then(async (response) => {
          if (spoil(request, answer)) return response.body?.cancel();
          answer.writeHead(response.status, { "Content-Type": "application/json" });
          return answer.end(Buffer.from(await response.arrayBuffer()));
        })
        .catch(() => answer.destroy());
    });
    await once(proxy.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => {
      proxy.closeAllConnections();
      proxy.close();
    });
    return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  }

  async stopGateway(): Promise<void> {
    await this.gateway?.close(100);
    this.gateway = undefined;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async cli(args: readonly string[], environment: Record<string, string> = {}): Promise<Finished> {
    let stdout = "";
    let stderr = "";
    const code = await runCli(args, {
      environment: { HEARTH_URL: this.url, DATABASE_URL: this.fixture.url, ...environment },
      folder: this.folder,
      stdin: (async function* () {})(),
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
    });
    return { code, stdout, stderr };
  }

  /** Takes the next job, as soon as there is one. */
  async claim(): Promise<Claim> {
    await vi.waitFor(async () => {
      const { rows } = await this.fixture.query("select from job_queue");
      expect(rows).toHaveLength(1);
    }, 10_000);
    // Not before: its node classes would be held against the workflow.
    return claimOne(this.fixture, await addWorker(this.fixture));
  }

  /** Ends a job with one output for each name. */
  async complete(claim: Claim, names: readonly string[] = ["x_00001_.png"]): Promise<void> {
    const outputs = await Promise.all(
      names.map(async (name, index) => {
        const bytes = Buffer.from(`picture ${index}`);
        const key = `jobs/${claim.jobId}/${claim.epoch}/${index}`;
        const options = { contentType: "image/png", maxBytes: 100 };
        const stored = await this.blobs.put(key, Readable.from([bytes]), options);
        const type = "image" as const;
        const { hash, sizeBytes } = stored;
        const contentType = "image/png";
        const file = { assetId: randomUUID(), nodeId: "9", name, type, contentType };
        return { ...file, key, hash, sizeBytes };
      }),
    );
    await this.fixture.store.attempts.complete(claim, outputs, attemptEnd);
    this.fixture.store.signals.publish("job", claim.jobId);
  }
}
