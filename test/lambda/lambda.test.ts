import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { openTestS3, type OpenedS3 } from "../../src/blobs/s3/test-server.suite.ts";
import { openFrontDoor, type FrontDoor } from "../../src/cli/lambda/front-door.ts";
import { startEngine } from "../../src/engine/engine.ts";
import { mintApiKey, mintToken } from "../../src/gateway/credentials.ts";
import { createLogger } from "../../src/observability/logger.ts";
import { startAgent } from "../../src/worker/agent.ts";
import { call, upload } from "../contract/client.ts";
import { postgresServers } from "../database.ts";
import { describeOfficialSdk, type ServedApi } from "../e2e/npm-sdk.suite.ts";
import { openTestStore, type TestStore } from "../store.ts";
import { startApiGateway } from "./api-gateway.ts";

/** The variables of the function, as a template would set them. */
function environmentOf(
  fixture: TestStore,
  s3: OpenedS3,
  publicUrl: string,
): Record<string, string> {
  return {
    DATABASE_URL: fixture.url,
    HEARTH_PUBLIC_URL: publicUrl,
    HEARTH_S3_BUCKET: "hearth",
    HEARTH_S3_ENDPOINT: s3.endpoint,
    HEARTH_S3_PATH_STYLE: "true",
    HEARTH_S3_REGION: "us-east-1",
    HEARTH_SEAL_KEY: randomBytes(32).toString("base64"),
    HEARTH_BLOB_SIGNING_KEY: randomBytes(32).toString("base64"),
    HEARTH_LOG_LEVEL: "silent",
  };
}

/** The gateway as a function, a bucket and a database behind it, and a worker that reaches it by HTTP. */
async function serve(): Promise<ServedApi> {
  // Lambda's own role, which the S3 client finds by itself.
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: "S3RVER", AWS_SECRET_ACCESS_KEY: "S3RVER" });
  const folder = await mkdtemp(join(tmpdir(), "hearth-lambda-"));
  const fixture = await openTestStore(postgresServers()[0]!.url);
  const s3 = await openTestS3();
  const apiKey = await createKey(fixture);
  let door: FrontDoor | undefined;
  const api = await startApiGateway(() => (event, context) => door!.handle(event, context));
  door = await openFrontDoor({ environment: environmentOf(fixture, s3, api.url), folder });
  const engine = await startEngine({ folder: join(folder, "engine") });
  const agent = startAgent({
    gatewayUrl: api.url,
    enrollmentToken: await enroll(fixture),
    name: "behind a function",
    comfyui: { kind: "attach", url: engine.url },
    folder: join(folder, "agent"),
    logger: createLogger({ level: "silent" }),
  });
  return {
    url: api.url,
    apiKey,
    folder,
    close: async () => {
      await agent.stop(0);
      await door.close();
      await api.close();
      await engine.close();
      await s3.close();
      await fixture.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function createKey({ store, tenantId }: TestStore): Promise<string> {
  const { id, key, secretHash } = mintApiKey(randomBytes(64));
  const scopes = ["run", "read"] as const;
  await store.access.createApiKey({ id, tenantId, name: "sdk", scopes, secretHash, validMs: null });
  return key;
}

async function enroll({ store, deploymentId }: TestStore): Promise<string> {
  const { token, tokenHash } = mintToken(randomBytes(32));
  const enrollment = { tokenHash, deploymentId, instanceId: null, validMs: 60_000 };
  await store.workers.createEnrollment(enrollment);
  return token;
}

describeOfficialSdk("against the gateway as a function behind API Gateway", serve);

describe("the gateway as a function", () => {
  let served: ServedApi;
  beforeAll(async () => {
    served = await serve();
  });
  afterAll(() => served.close());

  it("takes nobody without a key, not even from loopback", async () => {
    const { status, code } = await call(`${served.url}/api/v2/jobs`);
    expect([status, code]).toEqual([401, "unauthorized"]);
  });

  it("says what an upload may hold where an invocation carries no more", async () => {
    const headers = { Authorization: `Bearer ${served.apiKey!}` };
    const file = new Blob([new Uint8Array(4_300_000)]);
    const { status, code, details } = await upload(served.url, [["file", file]], headers);
    expect([status, code]).toEqual([413, "body_too_large"]);
    expect(details).toMatchObject({ limitBytes: 4_194_304 });
  });
});

describe("a function that is not set up", () => {
  it("names the setting that is missing", async () => {
    const environment = { DATABASE_URL: "postgres://127.0.0.1:1/none" };
    const opening = openFrontDoor({ environment, folder: tmpdir() });
    await expect(opening).rejects.toMatchObject({
      code: "config_invalid",
      details: { setting: "HEARTH_PUBLIC_URL" },
    });
  });
});
