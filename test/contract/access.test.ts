import { randomBytes } from "node:crypto";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { mintApiKey } from "../../src/gateway/credentials.ts";
import type { Scope } from "../../src/store/access.ts";
import { postgresServers } from "../database.ts";
import { flatPicture, invertPicture } from "../e2e/workflows.ts";
import { call, officialClient, upload, type Answer } from "./client.ts";
import { startTestGateway, type TestGateway } from "./gateway.ts";
import { wire } from "./validating-fetch.ts";

type Headers = Record<string, string>;

let gateway: TestGateway;
let owner: Headers;
let stranger: Headers;

beforeAll(async () => {
  gateway = await startTestGateway(postgresServers()[0]!.url, { trustsLoopback: false });
  owner = await headersFor("owner", ["run", "read"]);
  stranger = await headersFor("stranger", ["run", "read", "admin"]);
});

afterAll(async () => {
  await gateway.close();
  expect(wire.faults).toEqual([]);
});

async function keyOf(
  tenant: string,
  scopes: readonly Scope[],
  validMs: number | null,
): Promise<string> {
  const { access } = gateway.fixture.store;
  const { id: tenantId } = await access.ensureTenant(tenant);
  const { id, key, secretHash } = mintApiKey(randomBytes(64));
  await access.createApiKey({ id, tenantId, name: "test", scopes, secretHash, validMs });
  return key;
}

async function headersFor(
  tenant: string,
  scopes: readonly Scope[],
  validMs: number | null = null,
): Promise<Headers> {
  return { Authorization: `Bearer ${await keyOf(tenant, scopes, validMs)}` };
}

function send(method: string, path: string, headers: Headers, body?: unknown): Promise<Answer> {
  return call(`${gateway.url}${path}`, method, body, headers);
}

const fileParts = (text: string): [string, string | Blob][] => [
  ["content_type", "image/png"],
  ["file_path", "mine.png"],
  ["file", new Blob([text])],
];

describe("what belongs to another tenant", () => {
  it("is not found on any route, and is in no list", async () => {
    const asset = await upload(gateway.url, fileParts("mine"), owner);
    const job = await send("POST", "/api/v2/jobs", owner, { workflow: flatPicture(1) });
    const [assetId, jobId] = [String(asset.body.id), String(job.body.id)];
    const routes: readonly [string, string][] = [
      ["GET", `/api/v2/jobs/${jobId}`],
      ["GET", `/api/v2/jobs/${jobId}/workflow`],
      ["GET", `/api/v2/jobs/${jobId}/logs`],
      ["GET", `/api/v2/jobs/${jobId}/events`],
      ["POST", `/api/v2/jobs/${jobId}/cancel`],
      ["GET", `/api/v2/assets/${assetId}`],
      ["GET", `/api/v2/assets/${assetId}/content`],
      ["DELETE", `/api/v2/assets/${assetId}`],
    ];
    for (const [method, path] of routes) {
      expect(await send(method, path, stranger)).toMatchObject({ status: 404, code: "not_found" });
    }
    expect((await send("GET", "/api/v2/jobs", stranger)).body).toEqual({ jobs: [] });
    expect((await send("GET", `/api/v2/jobs/${jobId}`, owner)).body.status).toBe("queued");
    expect((await send("GET", `/api/v2/assets/${assetId}`, owner)).status).toBe(200);
  });

  it("cannot be reached through its hash or its name", async () => {
    const { body } = await upload(gateway.url, fileParts("mine by hash"), owner);
    const hash = String(body.hash);
    expect((await send("HEAD", `/api/v2/assets/by-hash/${hash}`, stranger)).status).toBe(404);
    expect((await send("HEAD", `/api/v2/assets/by-hash/${hash}`, owner)).status).toBe(200);
    const minted = await send("POST", "/api/v2/assets/from-hash", stranger, { hash });
    expect(minted).toMatchObject({ status: 404, code: "blob_not_found" });
    const reference = { __type: "core/ASSET", info: { id: body.id } };
    for (const image of ["mine.png", reference]) {
      const workflow = invertPicture(image);
      const answer = await send("POST", "/api/v2/jobs", stranger, { workflow });
      expect(answer).toMatchObject({ status: 422, code: "missing_asset" });
    }
  });

  it("may share an Idempotency-Key with what is one's own", async () => {
    for (const who of [owner, stranger]) {
      const headers = { ...who, "Idempotency-Key": "the-same-for-both" };
      const body = { workflow: flatPicture(1) };
      expect((await send("POST", "/api/v2/jobs", headers, body)).status).toBe(201);
    }
  });

  it("has no deployment either", async () => {
    const { access } = gateway.fixture.store;
    const { id } = await access.ensureTenant("owner");
    await access.createDeployment(id, "private");
    for (const path of ["/api/v2/jobs", "/api/v2/assets/x", "/api/v2/jobs/x"]) {
      expect(await send("GET", `/d/private${path}`, stranger)).toMatchObject({
        status: 404,
        code: "deployment_not_found",
      });
    }
    expect((await send("GET", "/d/private/api/v2/jobs", owner)).status).toBe(200);
    expect((await send("GET", "/d/nowhere/api/v2/jobs/x", owner)).code).toBe(
      "deployment_not_found",
    );
  });
});

describe("a key", () => {
  const routes: readonly [string, string, Scope][] = [
    ["GET", "/api/v2/jobs", "read"],
    ["GET", "/api/v2/jobs/x", "read"],
    ["GET", "/api/v2/jobs/x/workflow", "read"],
    ["GET", "/api/v2/jobs/x/logs", "read"],
    ["GET", "/api/v2/jobs/x/events", "read"],
    ["GET", "/api/v2/assets/x", "read"],
    ["GET", "/api/v2/assets/x/content", "read"],
    ["HEAD", "/api/v2/assets/by-hash/x", "read"],
    ["POST", "/api/v2/jobs", "run"],
    ["POST", "/api/v2/jobs/x/cancel", "run"],
    ["POST", "/api/v2/assets", "run"],
    ["POST", "/api/v2/assets/from-hash", "run"],
    ["DELETE", "/api/v2/assets/x", "run"],
  ];

  it.each(routes)("is wanted for %s %s", async (method, path) => {
    const wrong = [
      {},
      { Authorization: "Bearer " },
      { Authorization: "Bearer no-key" },
      { Authorization: `Bearer ${mintApiKey(randomBytes(64)).key}` },
      { Authorization: owner.Authorization!.replace("Bearer", "Basic") },
      { "X-API-Key": owner.Authorization!.slice("Bearer ".length) },
    ];
    for (const headers of wrong) expect((await send(method, path, headers)).status).toBe(401);
  });

  it.each(routes)("must have the scope of %s %s", async (method, path, scope) => {
    const other = await headersFor("owner", [scope === "run" ? "read" : "run"]);
    const answer = await send(method, path, other);
    expect(answer.status).toBe(403);
    if (method !== "HEAD") expect(answer).toMatchObject({ code: "forbidden", details: { scope } });
  });

  it("is worth nothing in a query, after its time, and once revoked", async () => {
    const token = owner.Authorization!.slice("Bearer ".length);
    expect((await send("GET", `/api/v2/jobs?api_key=${token}`, {})).status).toBe(401);
    const expired = await headersFor("owner", ["read"], 1);
    await expect
      .poll(async () => (await send("GET", "/api/v2/jobs", expired)).status, { timeout: 5_000 })
      .toBe(401);
    const revoked = await headersFor("owner", ["read"]);
    expect((await send("GET", "/api/v2/jobs", revoked)).status).toBe(200);
    const [, id = ""] = /hearth_(\w{12})_/u.exec(revoked.Authorization!) ?? [];
    await gateway.fixture.store.access.revokeApiKey(id);
    await expect
      .poll(async () => (await send("GET", "/api/v2/jobs", revoked)).status, { timeout: 6_000 })
      .toBe(401);
  });

  it("never comes back in an answer", async () => {
    const token = mintApiKey(randomBytes(64)).key;
    const answer = await send("GET", "/api/v2/jobs", { Authorization: `Bearer ${token}` });
    expect(JSON.stringify(answer.body)).not.toContain(token);
  });

  it("is what the official client sends", async () => {
    const token = owner.Authorization!.slice("Bearer ".length);
    const client = officialClient(gateway.url, token);
    const job = await client.submit(client.workflows.fromJson({ ...flatPicture(1) }));
    expect((await job.cancel()).status).toBe("canceled");
  });
});
