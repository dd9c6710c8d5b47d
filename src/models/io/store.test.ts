import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, onTestFinished, test } from "vitest";

import { safetensorsFile, startModelServer } from "../../../test/fakes/model-server.ts";
import {
  forever,
  modelFile,
  modelsFolder,
  openModelStore,
} from "../../../test/fakes/model-stores.ts";
import { modelKey, type ModelFile } from "../../workflow/model-ref.ts";
import { hold } from "./holds.ts";
import type { ModelStore } from "./store.ts";

const mebibyte = 1024 * 1024;
/** What one request asks for. */
const chunkBytes = 32 * mebibyte;
const fetcher = fileURLToPath(new URL("../../../test/fakes/model-fetcher.ts", import.meta.url));

/** A process of its own that fetches into a folder; with `limits`, under `prlimit`. */
function startFetcher(folder: string, file: ModelFile, ...limits: string[]): ChildProcess {
  const command = [process.execPath, "--no-warnings", fetcher, folder, JSON.stringify(file)];
  const [program = "", ...rest] =
    limits.length === 0 ? command : ["prlimit", ...limits, ...command];
  const child = spawn(program, rest, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function outcomeOf(child: ChildProcess): Promise<unknown> {
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(child, "close");
  return JSON.parse(text);
}

async function placed(store: ModelStore, bytes: Buffer, change: Partial<ModelFile> = {}) {
  const server = await startModelServer(bytes);
  const file = modelFile(server.url, change);
  return store.fetch(file, { signal: forever });
}

describe("a store of model files", () => {
  test("fetches at most one chunk again after kill -9", async () => {
    const server = await startModelServer(safetensorsFile(120 * mebibyte));
    server.set({ bytesPerSecond: 12 * mebibyte });
    const folder = await modelsFolder();
    const file = modelFile(server.url, { sha256: server.sha256 });
    const first = startFetcher(folder, file);
    const isHalf = new Promise<void>((resolve) => {
      const look = setInterval(() => {
        if (server.sentBytes < server.bytes.length / 2) return;
        clearInterval(look);
        resolve();
      }, 10);
    });
    await isHalf;
    first.kill("SIGKILL");
    await once(first, "close");
    const { sentBytes } = server;
    expect(sentBytes).toBeLessThan(server.bytes.length);
    server.set({ bytesPerSecond: Infinity });
    expect(await outcomeOf(startFetcher(folder, file))).toEqual({ sha256: server.sha256 });
    const again = server.sentBytes - server.bytes.length;
    expect(again).toBeLessThanOrEqual(chunkBytes);
    const store = await openModelStore({ folder });
    const [record] = await store.list();
    expect(await store.verify(record!)).toBe("good");
    expect(await readdir(store.layout.partial)).toEqual([]);
  });

  test("lets several processes fetch the same file, and fetches it once", async () => {
    const server = await startModelServer(safetensorsFile(40 * mebibyte));
    const folder = await modelsFolder();
    const file = modelFile(server.url, { sha256: server.sha256 });
    const twins = [file, file, { ...file, filename: "twin.safetensors" }];
    const ends = await Promise.all(twins.map((each) => outcomeOf(startFetcher(folder, each))));
    expect(ends).toEqual(twins.map(() => ({ sha256: server.sha256 })));
    expect(server.sentBytes).toBeLessThan(1.5 * server.bytes.length);
    const store = await openModelStore({ folder });
    expect(await readdir(store.layout.blobs)).toEqual([server.sha256]);
    expect(await store.list()).toHaveLength(2);
  });

  test("says that the disk is full, and keeps what it has", async () => {
    const folder = await modelsFolder();
    const store = await openModelStore({ folder });
    await placed(store, safetensorsFile(2 * mebibyte), { filename: "small.safetensors" });
    const server = await startModelServer(safetensorsFile(20 * mebibyte));
    const limit = `--fsize=${6 * mebibyte}`;
    const end = await outcomeOf(startFetcher(folder, modelFile(server.url), limit));
    expect(end).toMatchObject({ code: "disk_full" });
    expect(await readdir(store.layout.partial)).toEqual([]);
    const [record, ...others] = await store.list();
    expect(others).toEqual([]);
    expect(await store.verify(record!)).toBe("good");
  });

  test("discards a partial file whose bytes turn out wrong, and fetches it again", async () => {
    const server = await startModelServer(safetensorsFile(40 * mebibyte));
    server.set({ cutAfterBytes: 20 * mebibyte });
    const folder = await modelsFolder();
    const store = await openModelStore({ folder });
    const file = modelFile(server.url, { sha256: server.sha256 });
    server.onRequest = ({ first }) => first > 0 && server.set({ status: 403 });
    await expect(store.fetch(file, { signal: forever })).rejects.toThrow("HTTP 403");
    const part = store.layout.part(server.sha256);
    const bytes = await readFile(part);
    bytes[mebibyte / 2] = (bytes[mebibyte / 2] ?? 0) ^ 1;
    await writeFile(part, bytes);
    server.onRequest = () => undefined;
    server.set({ status: undefined, cutAfterBytes: Infinity });
    const record = await store.fetch(file, { signal: forever });
    expect(await store.verify(record)).toBe("good");
  });

  test("places a file in a models folder without a copy", async () => {
    const store = await openModelStore();
    const name = { folder: "loras", filename: "a/b.safetensors" };
    const record = await placed(store, safetensorsFile(mebibyte), name);
    const file = modelFile("", name);
    const folder = await modelsFolder();
    const path = await store.place(record, file, folder);
    expect(path).toBe(join(folder, "loras", "a", "b.safetensors"));
    const [one, other] = [await stat(path), await stat(store.layout.blob(record.sha256))];
    expect(one.ino).toBe(other.ino);
    expect(await store.place(record, file, folder)).toBe(path);
    expect(await readdir(join(folder, "loras", "a"))).toEqual(["b.safetensors"]);
  });

  test("never replaces a file that somebody else put there", async () => {
    const store = await openModelStore();
    const record = await placed(store, safetensorsFile(mebibyte));
    const folder = await modelsFolder();
    const file = modelFile("");
    const path = await store.place(record, file, folder);
    await rm(path);
    await writeFile(path, "mine");
    const fresh = { ...record, links: [] };
    await expect(store.place(fresh, file, folder)).rejects.toThrow("another file is at");
    expect(await readFile(path, "utf8")).toBe("mine");
  });

  test("makes room by age, and leaves pinned models and those in use", async () => {
    const store = await openModelStore({ maxBytes: 3.5 * mebibyte });
    const name = (filename: string) => ({ filename: `${filename}.safetensors` });
    const folder = await modelsFolder();
    const pinned = await placed(store, safetensorsFile(mebibyte, 1), name("pinned"));
    await store.pin(pinned.model, true);
    const held = await placed(store, safetensorsFile(mebibyte, 2), name("held"));
    await hold(store.layout, "another", [held.model]);
    const idle = await placed(store, safetensorsFile(mebibyte, 3), name("idle"));
    const path = await store.place(idle, modelFile("", name("idle")), folder);
    await placed(store, safetensorsFile(mebibyte, 4), name("new"));
    expect((await store.list()).map(({ model }) => model)).toEqual(
      ["held", "new", "pinned"].map((each) => `checkpoints/${each}.safetensors`),
    );
    await expect(stat(path)).rejects.toThrow("ENOENT");
    const large = placed(store, safetensorsFile(3 * mebibyte, 5), name("large"));
    await expect(large).rejects.toMatchObject({ code: "disk_full" });
    expect(await store.list()).toHaveLength(3);
  });

  test("removes a damaged file, so that the next job fetches it again", async () => {
    const store = await openModelStore();
    const record = await placed(store, safetensorsFile(mebibyte));
    await writeFile(store.layout.blob(record.sha256), "broken", { flag: "r+" });
    expect(await store.verify(record)).toBe("damaged");
    expect(await store.list()).toEqual([]);
  });

  test("keeps a file that another name has when one is removed", async () => {
    const store = await openModelStore();
    const bytes = safetensorsFile(mebibyte);
    const one = await placed(store, bytes);
    const other = await placed(store, bytes, { filename: "twin.safetensors" });
    expect(await store.remove(one.model)).toBe(true);
    expect(await store.verify(other)).toBe("good");
    expect(await store.remove(one.model)).toBe(false);
    expect(await store.remove(other.model)).toBe(true);
    expect(await readdir(store.layout.blobs)).toEqual([]);
  });

  test("copies from a path, and clears away what no name leads to", async () => {
    const folder = await modelsFolder();
    const source = join(folder, "x.safetensors");
    await writeFile(source, safetensorsFile(5 * mebibyte));
    const store = await openModelStore();
    const file = modelFile(source);
    const record = await store.fetch(file, { signal: forever });
    expect(record).toMatchObject({ model: modelKey(file), from: source, bytes: 5 * mebibyte });
    await writeFile(store.layout.blob("f".repeat(64)), Buffer.alloc(9000));
    expect(await store.collect()).toBeGreaterThanOrEqual(9000);
    expect(await readdir(store.layout.blobs)).toEqual([record.sha256]);
  });
});
