import { readFile, readdir } from "node:fs/promises";

import { describe, expect, test } from "vitest";

import { safetensorsFile, startModelServer } from "../../../test/fakes/model-server.ts";
import {
  forever,
  modelFile,
  openModelStore,
  testPatience,
} from "../../../test/fakes/model-stores.ts";
import { HearthError } from "../../kernel/errors.ts";
import type { ModelStore } from "./store.ts";

const mebibyte = 1024 * 1024;

async function faultOf(task: Promise<unknown>): Promise<HearthError> {
  try {
    await task;
  } catch (thrown) {
    if (thrown instanceof HearthError) return thrown;
    throw thrown;
  }
  throw new Error("it succeeded");
}

async function partialFiles(store: ModelStore): Promise<readonly string[]> {
  return readdir(store.layout.partial);
}

describe("fetching a model file", () => {
  test("brings it over several connections, hashed, under its name", async () => {
    const server = await startModelServer(safetensorsFile(140 * mebibyte + 12));
    const store = await openModelStore();
    const progress: number[] = [];
    const record = await store.fetch(modelFile(server.url, { sha256: server.sha256 }), {
      signal: forever,
      onProgress: (done) => progress.push(done),
    });
    expect(record.sha256).toBe(server.sha256);
    expect((await readFile(store.layout.blob(record.sha256))).equals(server.bytes)).toBe(true);
    expect(server.requests.length).toBeGreaterThan(4);
    // Where two connections share a range, what the first had under way comes twice.
    expect(server.sentBytes).toBeLessThan(1.2 * server.bytes.length);
    expect(progress.at(-1)).toBe(server.bytes.length);
    expect(await partialFiles(store)).toEqual([]);
  });

  test("fetches nothing twice, also under another name", async () => {
    const server = await startModelServer(safetensorsFile(3 * mebibyte));
    const store = await openModelStore();
    const file = modelFile(server.url, { sha256: server.sha256 });
    await store.fetch(file, { signal: forever });
    const { length } = server.requests;
    await store.fetch(file, { signal: forever });
    await store.fetch({ ...file, filename: "twin.safetensors" }, { signal: forever });
    expect(server.requests).toHaveLength(length);
    expect((await store.list()).map(({ model }) => model)).toEqual([
      "checkpoints/model.safetensors",
      "checkpoints/twin.safetensors",
    ]);
  });

  test("takes a server that knows no ranges", async () => {
    const server = await startModelServer(safetensorsFile(5 * mebibyte + 3));
    server.set({ hasRanges: false });
    const store = await openModelStore();
    const record = await store.fetch(modelFile(server.url), { signal: forever });
    expect(record.sha256).toBe(server.sha256);
  });

  test("follows redirections and leaves the token at the host that it is for", async () => {
    const server = await startModelServer(safetensorsFile(2 * mebibyte));
    const front = await startModelServer(Buffer.alloc(0));
    front.set({ status: 302, headers: { location: server.url } });
    const tokens = new Map([["localhost", "secret"]]);
    const net = { tokens, allow: ["127.0.0.1", "localhost"] };
    const store = await openModelStore({ net });
    const url = front.url.replace("127.0.0.1", "localhost");
    const record = await store.fetch(modelFile(url), { signal: forever });
    expect(front.requests[0]?.headers.authorization).toBe("Bearer secret");
    expect(server.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
    expect(JSON.stringify(record)).not.toContain("secret");
  });

  test("goes on to the next source when one fails", async () => {
    const gone = await startModelServer(Buffer.alloc(0));
    gone.set({ status: 404 });
    const server = await startModelServer(safetensorsFile(mebibyte));
    const store = await openModelStore();
    const sources = [gone.url, "/nowhere/model.safetensors", server.url];
    const record = await store.fetch(modelFile("", { sources }), { signal: forever });
    expect(record.from).toBe(server.url);
  });

  test("goes on where connections break", async () => {
    const server = await startModelServer(safetensorsFile(40 * mebibyte));
    server.set({ cutAfterBytes: 3 * mebibyte + 7 });
    const store = await openModelStore();
    const record = await store.fetch(modelFile(server.url), { signal: forever });
    expect(record.sha256).toBe(server.sha256);
  });

  test("gets along with a server that wants fewer connections", async () => {
    const server = await startModelServer(safetensorsFile(90 * mebibyte));
    let busy = 0;
    server.onRequest = () => {
      const status = busy++ % 3 === 2 && busy < 12 ? 429 : undefined;
      server.set({ status });
    };
    const store = await openModelStore();
    const record = await store.fetch(modelFile(server.url), { signal: forever });
    expect(record.sha256).toBe(server.sha256);
  });

  test("begins anew when the file changes meanwhile", async () => {
    const server = await startModelServer(safetensorsFile(40 * mebibyte));
    const next = safetensorsFile(40 * mebibyte, 2);
    server.onRequest = ({ first }) => {
      if (first === 0 || server.behaviour.etag === '"two"') return;
      server.bytes = next;
      server.set({ etag: '"two"' });
    };
    const store = await openModelStore();
    const record = await store.fetch(modelFile(server.url), { signal: forever });
    expect(record.sha256).toBe(server.sha256);
    expect((await readFile(store.layout.blob(record.sha256))).equals(next)).toBe(true);
  });
});

describe("a fetch that fails leaves the store intact and says why:", () => {
  test.each([403, 404, 401])("HTTP %i", async (status) => {
    const server = await startModelServer(Buffer.alloc(0));
    server.set({ status });
    const store = await openModelStore();
    const url = `${server.url}?signature=secret`;
    const fault = await faultOf(store.fetch(modelFile(url), { signal: forever }));
    expect([fault.code, fault.details?.["reason"]]).toEqual([
      "model_unavailable",
      `HTTP ${status}`,
    ]);
    expect(fault.message).not.toContain("secret");
    expect(server.requests).toHaveLength(1);
    expect(await store.list()).toEqual([]);
  });

  test("a file that changes at every look", async () => {
    const server = await startModelServer(safetensorsFile(40 * mebibyte));
    let version = 0;
    server.onRequest = () => server.set({ etag: `"${version++}"` });
    const store = await openModelStore();
    const fault = await faultOf(store.fetch(modelFile(server.url), { signal: forever }));
    expect(fault.code).toBe("model_unavailable");
    expect(fault.message).toContain("has changed");
    expect(await store.list()).toEqual([]);
  });

  test("a reply that always ends too soon", async () => {
    const server = await startModelServer(safetensorsFile(3 * mebibyte));
    server.set({ cutAfterBytes: 1000 });
    const store = await openModelStore();
    const fault = await faultOf(store.fetch(modelFile(server.url), { signal: forever }));
    expect(fault.code).toBe("model_unavailable");
    expect(await store.list()).toEqual([]);
  });

  test("a server that sends next to nothing", async () => {
    const server = await startModelServer(safetensorsFile(3 * mebibyte));
    server.set({ bytesPerSecond: 40_000 });
    const patience = { ...testPatience, slowMs: 100, maxFailures: 2, lookMs: 20 };
    const store = await openModelStore({ patience });
    const fault = await faultOf(store.fetch(modelFile(server.url), { signal: forever }));
    expect(fault.message).toContain("next to nothing");
  });

  test("a server that falls silent", async () => {
    const server = await startModelServer(safetensorsFile(3 * mebibyte));
    server.set({ stallAfterBytes: 70_000 });
    const store = await openModelStore({ net: { silenceMs: 200 } });
    const fault = await faultOf(store.fetch(modelFile(server.url), { signal: forever }));
    expect(fault.code).toBe("model_unavailable");
  });

  test.each([
    ["another hash", { sha256: "0".repeat(64) }, "its sha256 is"],
    ["another size", { bytes: 5 }, "and not 5"],
    ["a pickle's name", { filename: "model.ckpt" }, "can run code"],
    ["a way out of the folder", { filename: "../model.safetensors" }, "empty or hidden part"],
  ])("%s", async (_name, change, reason) => {
    const server = await startModelServer(safetensorsFile(2 * mebibyte));
    const store = await openModelStore();
    const fault = await faultOf(store.fetch(modelFile(server.url, change), { signal: forever }));
    expect(fault.code).toBe("model_refused");
    expect(fault.message).toContain(reason);
    expect(await store.list()).toEqual([]);
    expect(await partialFiles(store)).toEqual([]);
  });

  test.each([
    [
      "a pickle in disguise",
      Buffer.concat([Buffer.from([0x80, 2, 99, 1, 2, 3, 4, 5]), Buffer.alloc(90)]),
    ],
    ["a web page", Buffer.from("<!DOCTYPE html><title>Please log in</title>")],
    [
      "a header beyond the file",
      Buffer.concat([Buffer.from([200, 0, 0, 0, 0, 0, 0, 0]), Buffer.from("{}")]),
    ],
    ["a file that is shorter than its header says", safetensorsFile(5000).subarray(0, 4000)],
    ["an empty file", Buffer.alloc(0)],
  ])("%s", async (_name, bytes) => {
    const server = await startModelServer(bytes);
    const store = await openModelStore();
    const fault = await faultOf(store.fetch(modelFile(server.url), { signal: forever }));
    expect(fault.code).toBe("model_refused");
    expect(await partialFiles(store)).toEqual([]);
  });

  test("a large pickle, of which not much more than the beginning is fetched", async () => {
    const server = await startModelServer(Buffer.alloc(200 * mebibyte, 1));
    server.set({ bytesPerSecond: 4 * mebibyte });
    const store = await openModelStore();
    const fault = await faultOf(store.fetch(modelFile(server.url), { signal: forever }));
    expect(fault).toMatchObject({ code: "model_refused" });
    expect(server.sentBytes).toBeLessThan(100 * mebibyte);
  });

  test.each([
    ["an encoded reply", { "content-encoding": "gzip" }],
    ["a range that makes no sense", { "content-range": "bytes 5-1/3" }],
    ["another range than was asked for", { "content-range": "bytes 7-70/5000" }],
  ])("%s", async (_name, headers) => {
    const server = await startModelServer(safetensorsFile(5000));
    server.set({ headers });
    const store = await openModelStore();
    const fault = await faultOf(store.fetch(modelFile(server.url), { signal: forever }));
    expect(fault.code).toBe("model_unavailable");
  });

  test("a redirection that never ends", async () => {
    const server = await startModelServer(Buffer.alloc(0));
    server.set({ status: 302, headers: { location: "/again" } });
    const store = await openModelStore();
    const fault = await faultOf(store.fetch(modelFile(server.url), { signal: forever }));
    expect(fault.message).toContain("10 redirections");
  });

  test("a private address, by number, by name and by redirection", async () => {
    const server = await startModelServer(safetensorsFile(5000));
    const front = await startModelServer(Buffer.alloc(0));
    front.set({ status: 302, headers: { location: server.url.replace("127.0.0.1", "[::1]") } });
    const closed = await openModelStore({ net: { allow: [] } });
    const known = { sha256: server.sha256 };
    for (const url of [
      server.url,
      server.url.replace("127.0.0.1", "localhost"),
      "https://[::ffff:10.0.0.1]/x",
    ]) {
      const fault = await faultOf(closed.fetch(modelFile(url, known), { signal: forever }));
      expect([url, fault.code]).toEqual([url, "source_forbidden"]);
    }
    const open = await openModelStore();
    const fault = await faultOf(open.fetch(modelFile(front.url, known), { signal: forever }));
    expect(fault.code).toBe("source_forbidden");
    expect(server.requests).toEqual([]);
  });
});
