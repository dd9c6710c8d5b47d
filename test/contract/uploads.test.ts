import { readdir } from "node:fs/promises";
import { request as startRequest } from "node:http";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { Blake3 } from "../../src/kernel/blake3.ts";
import { postgresServers } from "../database.ts";
import { call, upload, type Answer } from "./client.ts";
import { startTestGateway, type TestGateway } from "./gateway.ts";
import { wire } from "./validating-fetch.ts";

let gateway: TestGateway;
let serial = 0;

beforeAll(async () => {
  gateway = await startTestGateway(postgresServers()[0]!.url);
});

afterAll(async () => {
  await gateway.close();
  expect(wire.faults).toEqual([]);
});

/** Content that nothing else has. */
const newText = (): string => `content ${serial++}`;
const hashOf = (text: string): string => new Blake3().update(Buffer.from(text)).digest();
const storedUploads = (): Promise<readonly string[]> => gateway.blobs.list("uploads/", 1_000);

function parts(text: string, change: Record<string, string> = {}): [string, string | Blob][] {
  const fields = { content_type: "text/plain", file_path: "notes.txt", ...change };
  return [...Object.entries(fields), ["file", new Blob([text])]];
}

function put(text: string, change?: Record<string, string>): Promise<Answer> {
  return upload(gateway.url, parts(text, change));
}

describe("an upload", () => {
  it("tells what was stored", async () => {
    const text = newText();
    const answer = await put(text, { file_path: "a folder/b.txt", expected_hash: hashOf(text) });
    expect(answer).toMatchObject({
      status: 201,
      body: {
        hash: hashOf(text),
        size_bytes: text.length,
        content_type: "text/plain",
        file_path: "a folder/b.txt",
        created_new: true,
        expires_at: null,
        job_id: null,
      },
    });
    const signed = await fetch(String(answer.body.url));
    expect(await signed.text()).toBe(text);
  });

  it("may have its parts in any order", async () => {
    const text = newText();
    expect((await upload(gateway.url, parts(text).toReversed())).status).toBe(201);
  });

  it("may repeat tags, and only those", async () => {
    const tagged = [...parts(newText()), ["tags", "input"], ["tags", "photo"]] as const;
    expect((await upload(gateway.url, tagged)).status).toBe(201);
    const twice = [...parts(newText()), ["file_path", "again.txt"]] as const;
    expect(await upload(gateway.url, twice)).toMatchObject({
      status: 422,
      details: { field: "file_path" },
    });
  });

  it("is one asset for the same bytes and path, and one blob for the same bytes", async () => {
    const text = newText();
    const before = (await storedUploads()).length;
    const [first, again, elsewhere] = [
      await put(text),
      await put(text),
      await put(text, { file_path: "elsewhere.txt" }),
    ];
    expect(again).toMatchObject({ status: 200, body: { id: first.body.id, created_new: false } });
    expect(elsewhere).toMatchObject({ status: 200, body: { created_new: false } });
    expect(elsewhere.body.id).not.toBe(first.body.id);
    expect(await storedUploads()).toHaveLength(before + 1);
  });

  it("is one blob also when ten clients send the same bytes at once", async () => {
    const text = newText();
    const before = (await storedUploads()).length;
    const answers = await Promise.all(Array.from({ length: 10 }, () => put(text)));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    for (const { body } of answers) {
      const content = await fetch(`${gateway.url}/api/v2/assets/${String(body.id)}/content`);
      expect(await content.text()).toBe(text);
    }
    // Bytes that lost the race to be recorded may stay, but never those that are recorded.
    expect((await storedUploads()).length).toBeGreaterThan(before);
  });

  it("keeps its file for as long as was asked, and longer when asked again", async () => {
    const text = newText();
    const short = await put(text, { expires_in: "60" });
    const seconds = (Date.parse(String(short.body.expires_at)) - Date.now()) / 1000;
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThan(70);
    const longer = await put(text, { expires_in: "604800" });
    const shorter = await put(text, { expires_in: "60" });
    expect(longer.body.expires_at).toBe(shorter.body.expires_at);
  });

  it.each<[string, Record<string, string>, string]>([
    ["another hash than announced", { expected_hash: hashOf("else") }, "expected_hash"],
    ["a hash that is none", { expected_hash: "md5:00" }, "expected_hash"],
    ["a content type that is none", { content_type: "text" }, "content_type"],
    ["a header in the content type", { content_type: "a/b\r\nX-Evil: 1" }, "content_type"],
    ["too short a retention", { expires_in: "59" }, "expires_in"],
    ["too long a retention", { expires_in: "604801" }, "expires_in"],
    ["a retention that is no number", { expires_in: "1e3" }, "expires_in"],
    ["a field that nobody knows", { owner: "me" }, "owner"],
    ["a path out of the folder", { file_path: "../x" }, "file_path"],
  ])("with %s is refused and leaves nothing", async (_, change, field) => {
    const before = await storedUploads();
    const code = field === "expected_hash" && change[field] === hashOf("else");
    for (const order of [parts(newText(), change), parts(newText(), change).toReversed()]) {
      expect(await upload(gateway.url, order)).toMatchObject({
        status: code ? 409 : 422,
        code: code ? "hash_mismatch" : "invalid_request",
        details: { field },
      });
    }
    expect(await storedUploads()).toEqual(before);
  });

  it.each(["content_type", "file_path", "file"])("without %s is refused", async (missing) => {
    const before = await storedUploads();
    const rest = parts(newText()).filter(([name]) => name !== missing);
    expect(await upload(gateway.url, rest)).toMatchObject({
      status: 422,
      details: { field: missing },
    });
    expect(await storedUploads()).toEqual(before);
  });

  it("with two files, or none in a form at all, is refused", async () => {
    const before = await storedUploads();
    const two = [...parts(newText()), ["file", new Blob(["second"])]] as const;
    expect((await upload(gateway.url, two)).status).toBe(422);
    const other = [...parts(newText()), ["attachment", new Blob(["x"])]] as const;
    expect((await upload(gateway.url, other)).status).toBe(422);
    const json = await call(`${gateway.url}/api/v2/assets`, "POST", { file: "x" });
    expect(json).toMatchObject({ status: 415, code: "unsupported_media_type" });
    expect(await storedUploads()).toEqual(before);
  });

  it("uses its Idempotency-Key up only when it succeeds", async () => {
    const headers = { "Idempotency-Key": `key-${newText().replace(" ", "-")}` };
    const bad = await upload(gateway.url, parts(newText(), { file_path: "" }), headers);
    expect(bad.status).toBe(422);
    const before = (await storedUploads()).length;
    expect((await upload(gateway.url, parts(newText()), headers)).status).toBe(201);
    const reused = await upload(gateway.url, parts(newText()), headers);
    expect(reused).toMatchObject({ status: 422, code: "idempotency_key_reuse" });
    expect(await storedUploads()).toHaveLength(before + 1);
  });

  it("may be larger than a JSON body may be", async () => {
    const large = new Blob([Buffer.alloc(40 * 1024 * 1024, serial++)]);
    const form = [...parts("").slice(0, 2), ["file", large]] as const;
    expect(await upload(gateway.url, form)).toMatchObject({
      status: 201,
      body: { size_bytes: large.size },
    });
  });

  it("that breaks off leaves nothing", async () => {
    const before = await storedUploads();
    const { port } = gateway.gateway;
    const sender = startRequest({
      port,
      path: "/api/v2/assets",
      method: "POST",
      headers: { "Content-Type": "multipart/form-data; boundary=b" },
    });
    sender.on("error", () => undefined);
    sender.write('--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n');
    sender.write(Buffer.alloc(1024 * 1024, 1));
    const folder = join(gateway.folder, "blobs", "~parts");
    await vi.waitFor(async () => expect(await readdir(folder)).toHaveLength(1), 5_000);
    sender.destroy();
    await vi.waitFor(async () => expect(await readdir(folder)).toEqual([]), 5_000);
    expect(await storedUploads()).toEqual(before);
  });

  it("of a form that is cut short is the sender's fault", async () => {
    const headers = { "Content-Type": "multipart/form-data; boundary=b" };
    const head = '--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n';
    for (const body of ["", "--b", `${head}half`, "no boundary", "--b--\r\n"]) {
      const answer = await call(`${gateway.url}/api/v2/assets`, "POST", body, headers);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    }
    expect(await readdir(join(gateway.folder, "blobs", "~parts"))).toEqual([]);
  });
});

describe("a record over bytes that are there", () => {
  it("is minted once a path, with the type that its name suggests", async () => {
    const text = newText();
    const hash = hashOf(text);
    const post = (body: object): Promise<Answer> =>
      call(`${gateway.url}/api/v2/assets/from-hash`, "POST", body);
    expect(await post({ hash })).toMatchObject({ status: 404, code: "blob_not_found" });
    await put(text);
    const minted = await post({ hash, file_path: "picture.png" });
    expect(minted).toMatchObject({
      status: 201,
      body: { hash, content_type: "image/png", file_path: "picture.png", created_new: false },
    });
    const again = await post({ hash, file_path: "picture.png" });
    expect(again).toMatchObject({ status: 200, body: { id: minted.body.id } });
    expect(await post({ hash })).toMatchObject({ status: 201, body: { file_path: null } });
  });

  it.each<[object, string]>([
    [{}, "hash"],
    [{ hash: "blake3:0" }, "hash"],
    [{ hash: 7 }, "hash"],
    [{ hash: hashOf("x"), file_path: "/etc/passwd" }, "file_path"],
    [{ hash: hashOf("x"), expires_in: 59 }, "expires_in"],
    [{ hash: hashOf("x"), tags: "input" }, "tags"],
    [{ hash: hashOf("x"), tags: ["ok", "nul\0"] }, "tags.1"],
    [{ hash: hashOf("x"), tags: ["\ud83d"] }, "tags.0"],
    [{ hash: hashOf("x"), other: 1 }, "other"],
  ])("is refused for %j", async (body, field) => {
    expect(await call(`${gateway.url}/api/v2/assets/from-hash`, "POST", body)).toMatchObject({
      status: 422,
      details: { field },
    });
  });

  it("is foretold by a HEAD, however the colon is written", async () => {
    const text = newText();
    const look = async (hash: string): Promise<number> =>
      (await call(`${gateway.url}/api/v2/assets/by-hash/${hash}`, "HEAD")).status;
    expect(await look(hashOf(text))).toBe(404);
    await put(text);
    expect(await look(hashOf(text))).toBe(200);
    expect(await look(encodeURIComponent(hashOf(text)))).toBe(200);
    expect(await look("blake3:zz")).toBe(404);
    expect(await look("%00")).toBe(404);
  });
});
