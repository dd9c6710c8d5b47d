import { Readable } from "node:stream";

import { afterAll, beforeAll, expect, it } from "vitest";

import { describeBlobStore } from "../blobs.suite.ts";
import { openS3Blobs } from "./store.ts";
import { openTestS3, type OpenedS3 } from "./test-server.suite.ts";

// The test server signs page tokens with a cipher that OpenSSL 3 no longer has, and replaces in place.
describeBlobStore("S3", openTestS3, { canPage: false, replacesAtOnce: false });

let opened: OpenedS3;
beforeAll(async () => {
  opened = await openTestS3();
});
afterAll(() => opened.close());

const tenMebibytes = Buffer.alloc(10 * 1024 * 1024);
const lent = { expiresInMs: 60_000, contentType: "image/png" };

it("uploads in parts what is larger than one part", async () => {
  const options = { contentType: "application/octet-stream", maxBytes: tenMebibytes.length };
  const halves = [tenMebibytes.subarray(0, 7_000_000), tenMebibytes.subarray(7_000_000)];
  const stored = await opened.blobs.put("parts/a", Readable.from(halves), options);
  expect(stored.sizeBytes).toBe(tenMebibytes.length);
  expect(await opened.blobs.head("parts/a")).toEqual({ sizeBytes: tenMebibytes.length });
});

it("signs a GET that names the type and the file, and that works", async () => {
  const options = { contentType: "image/png", maxBytes: 10 };
  await opened.blobs.put("signed/a", Readable.from([Buffer.from("png")]), options);
  const read = { ...lent, filename: "ä.png", disposition: "attachment" } as const;
  const answer = await fetch(await opened.blobs.signGet("signed/a", read));
  expect(answer.headers.get("content-type")).toBe("image/png");
  expect(answer.headers.get("content-disposition")).toContain("filename*=UTF-8''%C3%A4.png");
  expect(await answer.text()).toBe("png");
});

it("signs a PUT whose size and type are under the signature, and that works", async () => {
  const { url, headers } = await opened.blobs.signPut("signed/b", { ...lent, sizeBytes: 3 });
  const query = new URL(url).searchParams;
  expect(query.get("X-Amz-SignedHeaders")).toBe("content-length;content-type;host");
  expect(query.get("X-Amz-Expires")).toBe("60");
  expect((await fetch(url, { method: "PUT", headers, body: "png" })).status).toBe(200);
  expect(await opened.blobs.head("signed/b")).toEqual({ sizeBytes: 3 });
});

it("says that the service is unavailable when no server answers or the bucket is missing", async () => {
  const gone = await openTestS3();
  await gone.close();
  const credentials = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
  const { endpoint } = opened;
  const options = { bucket: "no-such", endpoint, forcePathStyle: true, credentials };
  const missing = await openS3Blobs(options);
  const unavailable = { code: "service_unavailable" };
  for (const blobs of [gone.blobs, missing]) {
    const body = Readable.from([tenMebibytes, tenMebibytes, tenMebibytes]);
    const limits = { contentType: "a/b", maxBytes: 100 * 1024 * 1024 };
    await expect(blobs.put("a", body, limits)).rejects.toMatchObject(unavailable);
    expect(body.destroyed).toBe(true);
    await expect(blobs.get("a")).rejects.toMatchObject(unavailable);
    await expect(blobs.list("a/", 1)).rejects.toMatchObject(unavailable);
  }
});
