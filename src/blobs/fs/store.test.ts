import { mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";

import { afterEach, beforeEach, expect, it } from "vitest";

import type { BlobStore } from "../blobs.ts";
import { describeBlobStore } from "../blobs.suite.ts";
import { verifySignedUrl } from "../signed-url.ts";
import { storageError } from "./failures.ts";
import { openFileBlobs } from "./store.ts";

const clock = { now: () => 1_000_000 };
const signingKey = new Uint8Array(32).fill(7);
const limits = { contentType: "application/octet-stream", maxBytes: 1000 };

let folder: string;
let blobs: BlobStore;
let baseUrl = "";
const openAt = (nowMs = clock.now()): Promise<BlobStore> =>
  openFileBlobs({ folder, baseUrl: () => baseUrl, signingKey, clock: { now: () => nowMs } });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hearth-blobs-"));
  blobs = await openAt();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describeBlobStore("file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "hearth-blobs-"));
  const blobs = await openFileBlobs({ folder, baseUrl: "http://127.0.0.1:1", signingKey, clock });
  return { blobs, close: () => rm(folder, { recursive: true, force: true }) };
});

const put = (key: string, text = "x"): Promise<unknown> =>
  blobs.put(key, Readable.from([Buffer.from(text)]), limits);

it("keeps no part of an upload that was refused or broken off", async () => {
  await expect(put("a/b", "x".repeat(2000))).rejects.toThrow("larger");
  for (let round = 0; round < 50; round++) {
    const broken = new Readable({ read: () => broken.destroy() });
    await expect(blobs.put("a/b", broken, limits)).rejects.toThrow("Premature close");
  }
  expect(await readdir(folder, { recursive: true })).toEqual(["~parts"]);
});

it("removes the parts that a killed process left, but none of a running upload", async () => {
  const [old, young] = [join(folder, "~parts", "old"), join(folder, "~parts", "young")];
  await writeFile(old, "");
  await writeFile(young, "");
  const nowMs = Date.now();
  await utimes(old, nowMs / 1000, nowMs / 1000 - 90_000);
  await openAt(nowMs);
  expect(await readdir(join(folder, "~parts"))).toEqual(["young"]);
});

it("removes the folders that a deletion empties and no others", async () => {
  await put("a/b/c");
  await put("a/d");
  await blobs.delete(["a/b/c"]);
  expect(await readdir(join(folder, "a"))).toEqual(["d"]);
  await blobs.delete(["a/d"]);
  expect(await readdir(folder)).toEqual(["~parts"]);
});

it("loses no blob to deletions that empty its folder at the same time", async () => {
  for (let round = 0; round < 50; round++) {
    await put("race/gone");
    await Promise.all([blobs.delete(["race/gone"]), put("race/kept")]);
    expect(await blobs.head("race/kept")).toEqual({ sizeBytes: 1 });
    await blobs.delete(["race/kept"]);
  }
});

it("takes a folder for no blob", async () => {
  await put("a/b");
  expect(await blobs.head("a")).toBeUndefined();
  expect(await blobs.get("a")).toBeUndefined();
  await blobs.delete(["a"]);
  expect(await blobs.head("a/b")).toEqual({ sizeBytes: 1 });
});

it("follows no link that leads out of its folder", async () => {
  const outside = await mkdtemp(join(tmpdir(), "hearth-outside-"));
  try {
    await writeFile(join(outside, "secret"), "secret");
    await mkdir(join(folder, "a"));
    await symlink(outside, join(folder, "a", "link"));
    const refusal = "leads outside";
    await expect(blobs.get("a/link/secret")).rejects.toThrow(refusal);
    await expect(blobs.head("a/link/secret")).rejects.toThrow(refusal);
    await expect(blobs.delete(["a/link/secret"])).rejects.toThrow(refusal);
    await expect(blobs.list("a/link/", 10)).rejects.toThrow(refusal);
    await expect(put("a/link/new/file")).rejects.toThrow(refusal);
    expect(await readdir(outside)).toEqual(["secret"]);
    expect(await blobs.list("a/", 10)).toEqual([]);
  } finally {
    await rm(outside, { recursive: true, force: true });
  }
});

it("works in a folder that is itself reached through a link", async () => {
  const link = `${folder}-link`;
  await symlink(folder, link);
  try {
    const linked = await openFileBlobs({ folder: link, baseUrl, signingKey, clock });
    await linked.put("a/b", Readable.from([Buffer.from("x")]), limits);
    expect((await stat(join(folder, "a", "b"))).size).toBe(1);
  } finally {
    await rm(link);
  }
});

it("blames the disk only for what the disk did", async () => {
  const full = Object.assign(new Error("full"), { code: "ENOSPC" });
  expect(storageError(full)).toMatchObject({ code: "service_unavailable", cause: full });
  const sender = new Readable({ read: () => sender.destroy(full) });
  await expect(blobs.put("a", sender, limits)).rejects.toBe(full);
});

it("signs URLs of a gateway whose address is known late", async () => {
  baseUrl = "http://127.0.0.1:8188";
  const lent = { expiresInMs: 1000, contentType: "image/png" };
  const { url, headers } = await blobs.signPut("a/b", { ...lent, sizeBytes: 3 });
  expect(headers).toEqual({ "Content-Type": "image/png", "Content-Length": "3" });
  expect(url.startsWith(`${baseUrl}/blobs/a/b?`)).toBe(true);
  const path = url.slice(baseUrl.length);
  expect(verifySignedUrl("PUT", path, clock.now(), signingKey)).toMatchObject({ ok: true });
});
