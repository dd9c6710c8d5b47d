import { randomBytes } from "node:crypto";

import { afterAll, beforeAll, expect, it } from "vitest";

import { openTestS3, type OpenedS3 } from "../../src/blobs/s3/test-server.suite.ts";
import { defaultLimits } from "../../src/gateway/context.ts";
import { startGateway, type Gateway } from "../../src/gateway/server.ts";
import { createLogger } from "../../src/observability/logger.ts";
import { defaultLeaseTiming } from "../../src/queue/lease.ts";
import { postgresServers } from "../database.ts";
import { openTestStore, type TestStore } from "../store.ts";
import { officialClient, upload } from "./client.ts";

let s3: OpenedS3;
let fixture: TestStore;
let gateway: Gateway;

beforeAll(async () => {
  s3 = await openTestS3();
  fixture = await openTestStore(postgresServers()[0]!.url);
  gateway = await startGateway({
    store: fixture.store,
    blobs: s3.blobs,
    settings: {
      publicUrl: null,
      trustsLoopback: true,
      limits: defaultLimits,
      lease: defaultLeaseTiming,
      signedUrlMs: 900_000,
    },
    logger: createLogger({ level: "silent" }),
    clock: { now: () => Date.now() },
    sealKey: randomBytes(32),
    blobSigningKey: null,
    host: "127.0.0.1",
    port: 0,
  });
});

afterAll(async () => {
  await gateway.close(0);
  await fixture.close();
  await s3.close();
});

it("contents in an object store are fetched from there, by a signed URL", async () => {
  const stored = await upload(gateway.url, [
    ["file", new Blob(["0123456789"])],
    ["content_type", "text/plain"],
    ["file_path", "digits.txt"],
  ]);
  expect(stored.status).toBe(201);
  expect(String(stored.body.url)).toContain(`${s3.endpoint}/`);
  const url = `${gateway.url}/api/v2/assets/${String(stored.body.id)}/content`;
  const redirect = await fetch(url, { redirect: "manual" });
  expect(redirect.status).toBe(302);
  expect(redirect.headers.get("location")).toContain("X-Amz-Signature");
  expect(redirect.headers.get("cache-control")).toBe("no-store");
  const part = await fetch(url, { headers: { Range: "bytes=2-4" } });
  expect([part.status, await part.text()]).toEqual([206, "234"]);
});

it("the official client uploads once over an object store too", async () => {
  const client = officialClient(gateway.url);
  const bytes = randomBytes(1_000);
  const first = client.assets.fromBytes(bytes, { filename: "a.bin" });
  const again = client.assets.fromBytes(bytes, { filename: "a.bin" });
  expect(await again.commit()).toBe(await first.commit());
});
