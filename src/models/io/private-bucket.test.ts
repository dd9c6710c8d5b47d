import { createHash, createHmac, type Hash, type Hmac } from "node:crypto";

import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SignatureV4 } from "@smithy/signature-v4";
import { expect, onTestFinished, test } from "vitest";

import {
  safetensorsFile,
  startModelServer,
  type ServedRange,
} from "../../../test/fakes/model-server.ts";
import { forever, modelFile, openModelStore } from "../../../test/fakes/model-stores.ts";
import { openTestS3 } from "../../blobs/s3/test-server.suite.ts";

const bytes = safetensorsFile(3 * 1024 * 1024);
const sha256 = createHash("sha256").update(bytes).digest("hex");

/** The hash function in the form in which the signer asks for it. */
class Sha256 {
  private readonly hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const key = secret instanceof ArrayBuffer ? new Uint8Array(secret) : secret;
    this.hash = key === undefined ? createHash("sha256") : createHmac("sha256", key as Uint8Array);
  }

  update(data: Uint8Array | string): void {
    this.hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }

  reset(): void {
    throw new Error("not used");
  }
}

/** A file with odd characters in its name. The server wants an Authorization header, but does not compute it. */
async function privateFile(): Promise<URL> {
  const server = await openTestS3();
  const { endpoint } = server;
  onTestFinished(() => server.close());
  const credentials = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
  const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
  onTestFinished(() => client.destroy());
  const Key = "sd xl/a+b (1).safetensors";
  await client.send(new PutObjectCommand({ Bucket: "hearth", Key, Body: bytes }));
  return new URL(`${endpoint}/hearth/${Key.split("/").map(encodeURIComponent).join("/")}`);
}

test("a file in a bucket of a real S3 server is fetched with signed requests", async () => {
  const url = await privateFile();
  const tokens = new Map([["127.0.0.1", "AWS4-HMAC-SHA256 us-east-1 S3RVER S3RVER"]]);
  const store = await openModelStore({ net: { tokens } });
  const record = await store.fetch(modelFile(url.href, { sha256 }), { signal: forever });
  expect(record).toMatchObject({ sha256, bytes: bytes.length });
});

/** What AWS's own signer makes of the request that arrived. */
async function expectedAuthorization({ headers }: ServedRange, path: string): Promise<string> {
  const picked = ["host", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"];
  const signed = Object.fromEntries(picked.map((name) => [name, String(headers[name])]));
  const date = String(headers["x-amz-date"]).replace(
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/u,
    "$1-$2-$3T$4:$5:$6Z",
  );
  const signer = new SignatureV4({
    credentials: { accessKeyId: "KEY", secretAccessKey: "SECRET", sessionToken: "SESSION" },
    region: "eu-central-1",
    service: "s3",
    sha256: Sha256,
    uriEscapePath: false,
  });
  const request = { method: "GET", protocol: "http:", hostname: "127.0.0.1", path };
  const { headers: made } = await signer.sign(
    { ...request, headers: signed },
    { signingDate: new Date(date) },
  );
  return String(made["authorization"]);
}

test("every request carries the signature that AWS's own signer computes", async () => {
  const server = await startModelServer(safetensorsFile(40 * 1024 * 1024));
  const token = "AWS4-HMAC-SHA256 eu-central-1 KEY SECRET SESSION";
  const store = await openModelStore({ net: { tokens: new Map([["127.0.0.1", token]]) } });
  const url = server.url.replace("model.safetensors", "sd%20xl/a%2Bb%20%281%29.safetensors");
  await store.fetch(modelFile(url, { sha256: server.sha256 }), { signal: forever });
  expect(server.requests.length).toBeGreaterThan(2);
  for (const request of server.requests) {
    const expected = await expectedAuthorization(request, new URL(url).pathname);
    expect(request.headers.authorization).toBe(expected);
  }
});

test.each(["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 us-east-1 KEY", "AWS4-HMAC-SHA256 a b c d e"])(
  "the token %j is refused when the store is opened",
  async (token) => {
    const tokens = new Map([["127.0.0.1", token]]);
    await expect(openModelStore({ net: { tokens } })).rejects.toMatchObject({
      code: "config_invalid",
    });
  },
);
