import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { postgresServers } from "../database.ts";
import { addWorker } from "../store.ts";
import { startTestGateway, type TestGateway } from "./gateway.ts";
import { validatingFetch, wire } from "./validating-fetch.ts";

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly text: string;
}

describe("hostile input", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway(postgresServers()[0]!.url, {
      limits: { bodyBytes: 24 * 1024 * 1024, uploadBytes: 1024 * 1024, workflowNodes: 5000 },
    });
    await addWorker(gateway.fixture);
  });
  afterAll(async () => {
    expect(wire.faults).toEqual([]);
    await gateway.close();
  });

  const post = async (body: string | Uint8Array<ArrayBuffer>, headers = {}): Promise<Answer> => {
    const response = await validatingFetch(`${gateway.url}/api/v2/jobs`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body,
    });
    const text = await response.text();
    const { error } = JSON.parse(text) as { error?: { code: string } };
    return { status: response.status, code: error?.code ?? "", text };
  };
  const save = { class_type: "SaveImage", inputs: {} };
  const job = (workflow: unknown, more = {}): string => JSON.stringify({ workflow, ...more });

  it.each<[string, string, string, string?]>([
    ["truncated JSON", '{"workflow": {"1"', "invalid_json", "position"],
    ["a trailing comma", '{"workflow": {},}', "invalid_json", "position"],
    ["NaN", '{"workflow": {"1": NaN}}', "invalid_json", "position"],
    ["a repeated key", '{"workflow": {}, "workflow": {}}', "invalid_json", "workflow"],
    ["a byte order mark", '\uFEFF{"workflow": {}}', "invalid_json", "position"],
    ["__proto__ as a node", '{"workflow": {"__proto__": {}}}', "invalid_json", "__proto__"],
    ["constructor as a key", '{"constructor": {"prototype": {}}}', "invalid_json", "constructor"],
    ["10,000 levels", "[".repeat(10_000), "json_too_deep", "limit"],
    ["an empty body", "", "invalid_request"],
    ["no object", "[]", "invalid_request"],
    ["no workflow", "{}", "invalid_request", "workflow"],
    ["an unknown field", job({ "1": save }, { priority: 3 }), "invalid_request", "priority"],
    ["webhook_url", job({ "1": save }, { webhook_url: "x" }), "invalid_workflow", "webhook_url"],
    ["inputs", job({ "1": save }, { inputs: {} }), "invalid_workflow", "inputs"],
    ["an empty workflow", job({}), "invalid_workflow", "workflow"],
    ["a list as workflow", job([]), "invalid_workflow", "workflow"],
    ["UI format", job({ nodes: [], links: [], version: 0.4 }), "workflow_format_ui"],
    ["a node without class", job({ "1": { inputs: {} } }), "invalid_workflow", "class_type"],
    ["a node that is text", job({ "1": "x" }), "invalid_workflow", "node"],
    [
      "a dangling link",
      job({ "1": { ...save, inputs: { images: ["7", 0] } } }),
      "invalid_workflow",
      "images",
    ],
    [
      "a link to itself",
      job({ "1": { ...save, inputs: { images: ["1", 0] } } }),
      "invalid_workflow",
      "cycle",
    ],
    [
      "an unknown class",
      job({ "1": { class_type: "SaveImge", inputs: {} } }),
      "invalid_workflow",
      "SaveImage",
    ],
    [
      "a look-alike class",
      job({ "1": { class_type: "SaveImаge", inputs: {} } }),
      "invalid_workflow",
      "unknown class",
    ],
    ["a NUL", job({ "1": { ...save, inputs: { text: "a\0b" } } }), "invalid_workflow", "NUL"],
    [
      "half a surrogate pair",
      job({ "1": { ...save, inputs: { text: "\ud800" } } }),
      "invalid_workflow",
      "surrogate",
    ],
    [
      "a malformed asset",
      job({ "1": { ...save, inputs: { a: { __type: "core/ASSET" } } } }),
      "missing_asset",
      "info",
    ],
    [
      "an unknown asset",
      job({ "1": { ...save, inputs: { a: { __type: "core/ASSET", info: { id: "../x" } } } } }),
      "missing_asset",
      "../x",
    ],
    [
      "bad extra_data",
      job({ "1": save }, { extra_data: { other: "x" } }),
      "invalid_request",
      "extra_data",
    ],
    [
      "metadata that is no text",
      job({ "1": save }, { metadata: { a: 1 } }),
      "metadata_invalid",
      "metadata.a",
    ],
    [
      "metadata that turns text around",
      job({ "1": save }, { metadata: { a: "\u202e" } }),
      "metadata_invalid",
      "metadata.a",
    ],
  ])("answers %s with a 4xx that names it", async (_, body, code, named = "") => {
    const answer = await post(body);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.code).toBe(code);
    expect(answer.text).toContain(named);
  });

  it("names the first and the last of a chain that closes into a cycle of 4,000 nodes", async () => {
    const workflow = Object.fromEntries(
      Array.from({ length: 4000 }, (_, at) => [
        `n${at}`,
        { class_type: "SaveImage", inputs: { images: [`n${(at + 1) % 4000}`, 0] } },
      ]),
    );
    expect(await post(job(workflow))).toMatchObject({ status: 422, code: "invalid_workflow" });
  });

  it("refuses 200,000 nodes and bodies beyond the limit", async () => {
    const many = Object.fromEntries(Array.from({ length: 200_000 }, (_, at) => [at, save]));
    expect(await post(job(many))).toMatchObject({ status: 422, code: "invalid_workflow" });
    const large = new Uint8Array(100 * 1024 * 1024).fill(32);
    const answer = await post(large).catch((thrown: unknown) => String(thrown));
    // The server may hang up on a sender that goes on after its answer.
    if (typeof answer !== "string") {
      expect(answer).toMatchObject({ status: 413, code: "body_too_large" });
    }
    expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
  });

  it("refuses bodies in other media types and encodings", async () => {
    expect(await post("a=b", { "Content-Type": "text/plain" })).toMatchObject({ status: 415 });
    expect(await post(new Uint8Array([123, 0xff, 125]))).toMatchObject({ code: "invalid_json" });
  });

  it.each(["k".repeat(10_000), "with space", "ümlaut"])(
    "refuses an unusable idempotency key",
    async (key) => {
      const headers = { "Idempotency-Key": Buffer.from(key).toString("latin1") };
      const answer = await post(job({ "1": save }), headers).catch(() => undefined);
      if (answer !== undefined) expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer?.status ?? 431).toBeLessThan(500);
    },
  );

  const uploadWith = async (filePath: string, bytes: Uint8Array<ArrayBuffer>): Promise<Answer> => {
    const form = new FormData();
    form.append("file", new Blob([bytes]), "f");
    form.append("content_type", "image/png");
    form.append("file_path", filePath);
    const url = `${gateway.url}/api/v2/assets`;
    const response = await validatingFetch(url, { method: "POST", body: form });
    const text = await response.text();
    const { error } = JSON.parse(text) as { error?: { code: string } };
    return { status: response.status, code: error?.code ?? "", text };
  };

  it.each([
    "../x",
    "..\\x",
    "/etc/passwd",
    "C:\\x",
    "a/../../b",
    "a//b",
    "nul\0",
    "x".repeat(600),
    "\u202egpj.exe",
    "",
    ".",
  ])("refuses the file name %j and names the field", async (filePath) => {
    const answer = await uploadWith(filePath, new Uint8Array(10));
    expect(answer).toMatchObject({ status: 422, code: "invalid_request" });
    expect(answer.text).toContain("file_path");
  });

  it("refuses a picture of too many pixels by its header, and a file that is too large", async () => {
    const png = new Uint8Array(64);
    png.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 73, 72, 68, 82]);
    png.set([0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30], 16);
    expect(await uploadWith("bomb.png", png)).toMatchObject({ code: "image_too_large" });
    const large = new Uint8Array(2 * 1024 * 1024);
    expect(await uploadWith("large.bin", large)).toMatchObject({ status: 413 });
    expect(await gateway.blobs.list("uploads/", 10)).toEqual([]);
  });

  it.each(["/api/v2/jobs/x", "/api/v2/jobs/%00", "/api/v2/assets/..%2f..%2f", "/nowhere", "/%zz"])(
    "answers GET %s with a 4xx",
    async (path) => {
      const response = await fetch(gateway.url + path);
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.status).toBeLessThan(500);
    },
  );

  it.each(["limit=0", "limit=x", "cursor=zz", "metadata[a b]=1", "limit=1&limit=2", "foo=1"])(
    "refuses the list query %s",
    async (query) => {
      const response = await validatingFetch(`${gateway.url}/api/v2/jobs?${query}`);
      expect([400, 422]).toContain(response.status);
    },
  );
});
