import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ScriptedWorker } from "../../../test/contract/scripted-worker.ts";
import { postgresServers } from "../../../test/database.ts";
import { newJob, openTestStore, type TestStore } from "../../../test/store.ts";
import type { BlobStore } from "../../blobs/blobs.ts";
import { openFileBlobs } from "../../blobs/fs/store.ts";
import type { Claim } from "../../store/attempts.ts";
import { defaultLimits } from "../context.ts";
import { Endings } from "../endings.ts";
import { followJob } from "./follow-job.ts";
import { Waker } from "./waker.ts";

let fixture: TestStore;
let blobs: BlobStore;
let folder: string;
let worker: ScriptedWorker;
let skewMs = 0;
const clock = { now: (): number => Date.now() + skewMs };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hearth-follow-"));
  fixture = await openTestStore(postgresServers()[0]!.url);
  const signingKey = randomBytes(32);
  blobs = await openFileBlobs({ folder, baseUrl: "http://127.0.0.1", signingKey, clock });
  worker = await ScriptedWorker.enroll(fixture, blobs);
});

afterAll(async () => {
  await fixture.close();
  await rm(folder, { recursive: true, force: true });
});

interface Followed {
  readonly claim: Claim;
  readonly endings: Endings;
  readonly response: ServerResponse;
  /** The client's end, which reads nothing until it is told to. */
  readonly client: IncomingMessage;
  /** Tells the stream of a new preview of a megabyte. */
  preview(): Promise<void>;
  wake(): void;
  readonly ended: Promise<void>;
  close(): void;
}

/** A job that runs, and a client that has opened its stream and does not read. */
async function follow(own: { wholeStreamMs?: number } = {}): Promise<Followed> {
  const job = newJob(fixture);
  await fixture.store.jobs.submit(job);
  const claim = await worker.claim();
  const record = (await fixture.store.jobs.get(fixture.tenantId, job.id))!;
  const waker = new Waker();
  const settings = {
    publicUrl: "http://127.0.0.1",
    trustsLoopback: true,
    limits: defaultLimits,
    lease: { heartbeatMs: 1, leaseMs: 1, reaperIntervalMs: 1 },
    signedUrlMs: 1_000,
    ...own,
  };
  const { signal: shutdown } = new AbortController();
  const endings = new Endings();
  const context = { store: fixture.store, blobs, settings, clock, shutdown, endings };
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const request = get({ port: (server.address() as AddressInfo).port });
  const [, response] = (await once(server, "request")) as [unknown, ServerResponse];
  response.once("close", () => waker.wake()).on("drain", () => waker.wake());
  const ended = followJob(response, record, context, waker).finally(() => response.end());
  const [client] = (await once(request, "response")) as [IncomingMessage];
  client.on("error", () => undefined);
  return {
    claim,
    endings,
    response,
    client,
    ended,
    preview: async () => {
      skewMs += 500;
      await worker.preview(claim, randomBytes(750_000));
      waker.wake();
    },
    wake: () => waker.wake(),
    close: () => {
      client.destroy();
      server.close();
    },
  };
}

/** Sends previews until the connection takes no more. */
async function fill(followed: Followed): Promise<void> {
  for (let sent = 0; sent < 60 && !followed.response.writableNeedDrain; sent++) {
    await followed.preview();
    await expect
      .poll(() => followed.response.writableNeedDrain || followed.response.writableLength === 0, {
        timeout: 10_000,
      })
      .toBe(true);
  }
  expect(followed.response.writableNeedDrain).toBe(true);
}

describe("a stream that is delivered whole", () => {
  it("ends with the first news after its snapshot", async () => {
    const followed = await follow({ wholeStreamMs: 20_000 });
    await worker.progress(followed.claim, 0.5);
    followed.wake();
    await followed.ended;
    expect(await text(followed.client)).toMatch(/^event: status\n[^]*event: progress\n[^]*$/u);
    followed.close();
  });

  it("ends after its time where there is none", async () => {
    const followed = await follow({ wholeStreamMs: 20_000 });
    skewMs += 20_000;
    followed.wake();
    await followed.ended;
    expect(await text(followed.client)).toMatch(/^event: status\n[^\n]*\n\n(?:: keepalive\n\n)?$/u);
    followed.close();
  });
});

describe("a job that is completed on the gateway that tells of it", () => {
  it("is told of to its end without asking the database", async () => {
    const followed = await follow();
    const { jobId, epoch } = followed.claim;
    const output = {
      assetId: "0197fd30-0000-7000-8000-000000000001",
      nodeId: "9",
      name: "a.png",
      type: "image",
      contentType: "image/png",
      hash: `blake3:${"a".repeat(64)}`,
      sizeBytes: 3,
      key: `jobs/${jobId}/${epoch}-a`,
    } as const;
    followed.endings.noteSuccess(jobId, epoch, [output]);
    followed.wake();
    await followed.ended;
    const story = await text(followed.client);
    expect(story).toMatch(
      /event: output\ndata: [^\n]*"id":"0197fd30-0000-7000-8000-000000000001"/u,
    );
    expect(story).toMatch(/event: status\ndata: \{"status":"succeeded"[^\n]*\n\n$/u);
    followed.close();
  });
});

describe("a client that does not read", () => {
  it("costs one round of memory, and still learns how the job ended", async () => {
    const followed = await follow();
    await fill(followed);
    const waitingBytes = followed.response.writableLength;
    for (let sent = 0; sent < 5; sent++) await followed.preview();
    await worker.complete(followed.claim, []);
    expect(followed.response.writableLength).toBeLessThanOrEqual(waitingBytes);
    const story = await text(followed.client);
    expect(story).toMatch(/event: status\ndata: \{"status":"succeeded"[^\n]*\n\n$/u);
    await followed.ended;
    followed.close();
  });

  it("is given up in the end", async () => {
    const followed = await follow();
    await fill(followed);
    skewMs += 61_000;
    followed.wake();
    await followed.ended;
    expect(followed.response.destroyed).toBe(true);
    followed.close();
  });
});
