import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { postgresServers } from "../database.ts";
import { flatPicture } from "../e2e/workflows.ts";
import { call, upload } from "./client.ts";
import { startTestGateway, type TestGateway } from "./gateway.ts";
import { ScriptedWorker } from "./scripted-worker.ts";
import { wire } from "./validating-fetch.ts";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startTestGateway(postgresServers()[0]!.url);
});

afterAll(async () => {
  await gateway.close();
  expect(wire.faults).toEqual([]);
});

async function stored(text: string, contentType: string, filePath: string): Promise<string> {
  const { body } = await upload(gateway.url, [
    ["content_type", contentType],
    ["file_path", filePath],
    ["file", new Blob([text])],
  ]);
  return String(body.id);
}

function content(
  id: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Response> {
  return fetch(`${gateway.url}/api/v2/assets/${id}/content`, { headers, method });
}

describe("the content of an asset", () => {
  it("comes whole, in part, or not at all where it is known", async () => {
    const id = await stored("0123456789", "text/plain", "digits.txt");
    const whole = await content(id);
    expect([whole.status, await whole.text()]).toEqual([200, "0123456789"]);
    const etag = String(whole.headers.get("etag"));
    const part = await content(id, { Range: "bytes=2-4" });
    expect([part.status, await part.text()]).toEqual([206, "234"]);
    expect(part.headers.get("content-range")).toBe("bytes 2-4/10");
    expect(await (await content(id, { Range: "bytes=-3" })).text()).toBe("789");
    expect(await (await content(id, { Range: "bytes=2-4", "If-Range": etag })).text()).toBe("234");
    const changed = await content(id, { Range: "bytes=2-4", "If-Range": '"other"' });
    expect([changed.status, await changed.text()]).toEqual([200, "0123456789"]);
    expect((await content(id, { "If-None-Match": `W/${etag}` })).status).toBe(304);
  });

  it("has a size that a HEAD tells", async () => {
    const id = await stored("0123456789 head", "text/plain", "head.txt");
    const head = await content(id, {}, "HEAD");
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "15"]);
    expect(await head.text()).toBe("");
  });

  it("has no range beyond its end", async () => {
    const id = await stored("0123456789 range", "text/plain", "range.txt");
    const beyond = await call(`${gateway.url}/api/v2/assets/${id}/content`, "GET", undefined, {
      Range: "bytes=100-",
    });
    expect(beyond).toMatchObject({ status: 416, code: "range_not_satisfiable" });
    expect(beyond.headers.get("content-range")).toBe("bytes */16");
    expect(beyond.headers.get("cache-control")).toBeNull();
  });

  it("may be empty", async () => {
    const id = await stored("", "text/plain", "empty.txt");
    const whole = await content(id);
    expect([whole.status, whole.headers.get("content-length")]).toEqual([200, "0"]);
  });

  it.each([
    ["image/png", "inline"],
    ["video/mp4", "inline"],
    ["image/svg+xml", "attachment"],
    ["text/html", "attachment"],
    ["application/xhtml+xml", "attachment"],
    ["text/javascript", "attachment"],
    ["application/octet-stream", "attachment"],
  ])("of type %s is offered %s and runs nowhere", async (contentType, disposition) => {
    const script = `<script>alert("${contentType}")</script>`;
    const id = await stored(script, contentType, 'na"me ü.html');
    const { body } = await call(`${gateway.url}/api/v2/assets/${id}`);
    for (const answer of [await content(id), await fetch(String(body.url))]) {
      expect(answer.headers.get("content-disposition")).toBe(
        `${disposition}; filename="na_me _.html"; filename*=UTF-8''na%22me%20%C3%BC.html`,
      );
      expect(answer.headers.get("content-type")).toBe(contentType);
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      expect(answer.headers.get("content-security-policy")).toContain("sandbox");
      expect(await answer.text()).toBe(script);
    }
  });

  it.each([
    "no-such-id",
    "0198c0de-0000-7000-8000-000000000001",
    "%2e%2e%2f",
    "%00",
    "%F0%9F%90%88",
  ])("of %s is not found", async (id) => {
    for (const path of [id, `${id}/content`]) {
      const answer = await call(`${gateway.url}/api/v2/assets/${path}`);
      expect(answer).toMatchObject({ status: 404, code: "not_found" });
    }
    const gone = await call(`${gateway.url}/api/v2/assets/${id}`, "DELETE");
    expect(gone).toMatchObject({ status: 404, code: "not_found" });
  });
});

describe("deleting an asset", () => {
  it("is done once, and leaves the bytes to the other records", async () => {
    const first = await stored("shared bytes", "text/plain", "one.txt");
    const second = await stored("shared bytes", "text/plain", "two.txt");
    const url = `${gateway.url}/api/v2/assets/${first}`;
    expect((await call(url, "DELETE")).status).toBe(204);
    expect((await call(url, "DELETE")).status).toBe(404);
    expect((await content(first)).status).toBe(404);
    expect(await (await content(second)).text()).toBe("shared bytes");
  });

  it("waits for the jobs that need it, and never takes an output from its job", async () => {
    const worker = await ScriptedWorker.enroll(gateway.fixture, gateway.blobs);
    const id = await stored("a picture", "image/png", "in use.png");
    const load = { class_type: "LoadImage", inputs: { image: "in use.png" } };
    const save = { class_type: "SaveImage", inputs: { images: ["1", 0] } };
    const workflow = { "1": load, "9": save };
    const posted = await call(`${gateway.url}/api/v2/jobs`, "POST", { workflow });
    expect(posted.status).toBe(201);
    const url = `${gateway.url}/api/v2/assets/${id}`;
    expect(await call(url, "DELETE")).toMatchObject({ status: 409, code: "asset_in_use" });
    const file = { nodeId: "9", name: "out.png", bytes: Buffer.from("out") };
    await worker.complete(await worker.claim(), [file]);
    const { body } = await call(`${gateway.url}/api/v2/jobs/${String(posted.body.id)}`);
    const [output] = body.outputs as { id: string }[];
    const outputUrl = `${gateway.url}/api/v2/assets/${output?.id}`;
    expect(await call(outputUrl)).toMatchObject({ status: 200, body: { job_id: posted.body.id } });
    expect(await call(outputUrl, "DELETE")).toMatchObject({ status: 409 });
    expect((await call(url, "DELETE")).status).toBe(204);
  });

  it("leaves a workflow that names it without its file", async () => {
    const id = await stored("soon gone", "image/png", "soon gone.png");
    await call(`${gateway.url}/api/v2/assets/${id}`, "DELETE");
    const load = { class_type: "LoadImage", inputs: { image: "soon gone.png" } };
    const workflow = { ...flatPicture(1), "5": load };
    expect(await call(`${gateway.url}/api/v2/jobs`, "POST", { workflow })).toMatchObject({
      status: 422,
      code: "missing_asset",
      details: { node_errors: { "5": [{ field: "image" }] } },
    });
  });
});
