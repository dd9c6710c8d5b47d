import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import S3rver from "s3rver";
import { describe, expect, it } from "vitest";

import { describeBlobStore, type OpenedBlobs } from "./blobs.suite.ts";
import { openFileBlobs } from "./fs/store.ts";
import { openS3Blobs } from "./s3/store.ts";
import { signGetPath, signPutPath, verifySignedUrl } from "./signed-url.ts";

const clock = { now: () => 1_000_000 };
const signingKey = new Uint8Array(32).fill(7);

describeBlobStore("file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "hearth-blobs-"));
  const blobs = await openFileBlobs({ folder, baseUrl: "http://127.0.0.1:1", signingKey, clock });
  return { blobs, close: () => rm(folder, { recursive: true, force: true }) };
});

const openS3 = async (): Promise<OpenedBlobs> => {
  const directory = await mkdtemp(join(tmpdir(), "hearth-s3-"));
  const configureBuckets = [{ name: "hearth", configs: [] }];
  const server = new S3rver({ port: 0, silent: true, directory, configureBuckets });
  const address = await server.run();
  const blobs = await openS3Blobs({
    bucket: "hearth",
    prefix: "in/",
    endpoint: `http://127.0.0.1:${address.port}`,
    forcePathStyle: true,
    credentials: { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" },
  });
  return {
    blobs,
    close: async () => {
      await server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
};

// The test server signs page tokens with a cipher that OpenSSL 3 no longer has.
describeBlobStore("S3", openS3, { canPage: false });

describe("signed URLs of the gateway", () => {
  const read = {
    expiresInMs: 1000,
    contentType: "image/png",
    filename: "ä b.png",
    disposition: "inline",
  } as const;
  const write = { expiresInMs: 1000, contentType: "image/png", sizeBytes: 12 };

  it("say what was signed", () => {
    const getPath = signGetPath("jobs/1/a", read, 0, signingKey);
    expect(verifySignedUrl("GET", getPath, 999, signingKey)).toEqual({
      ok: true,
      value: {
        method: "GET",
        key: "jobs/1/a",
        contentType: "image/png",
        filename: "ä b.png",
        disposition: "inline",
      },
    });
    const putPath = signPutPath("jobs/1/a", write, 0, signingKey);
    expect(verifySignedUrl("PUT", putPath, 999, signingKey)).toMatchObject({
      ok: true,
      value: { method: "PUT", sizeBytes: 12 },
    });
  });

  it("are refused when late, for another method or key, or with any field changed", () => {
    const path = signPutPath("jobs/1/a", write, 0, signingKey);
    const refusal = (method: string, text: string, nowMs = 0): unknown => {
      const verified = verifySignedUrl(method, text, nowMs, signingKey);
      return verified.ok ? verified.value : verified.error;
    };
    expect(refusal("PUT", path, 1000)).toBe("expired");
    expect(refusal("GET", path)).toBe("forged");
    expect(refusal("PUT", path.replace("jobs/1/a", "jobs/1/b"))).toBe("forged");
    expect(refusal("PUT", path.replace("size=12", "size=13"))).toBe("forged");
    expect(refusal("PUT", path.replace("exp=1000", "exp=9000"))).toBe("forged");
    expect(refusal("PUT", path.replace("/blobs/jobs", "/blobs/../jobs"))).toBe("malformed");
    expect(refusal("PUT", "/blobs/jobs/1/a")).toBe("malformed");
  });
});
