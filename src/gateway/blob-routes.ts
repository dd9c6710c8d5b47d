import type { Readable } from "node:stream";

import type { FastifyInstance } from "fastify";

import { blobPath, verifySignedUrl, type BlobGrant } from "../blobs/signed-url.ts";
import { HearthError } from "../kernel/errors.ts";
import type { GatewayContext } from "./context.ts";
import { sendBlob } from "./send-blob.ts";

/**
 * Serves the signed URLs of the file store. The signature is the only credential: it names one
 * blob, one method and a moment after which it is worth nothing.
 */
export function registerBlobRoutes(
  app: FastifyInstance,
  context: GatewayContext,
  signingKey: Uint8Array,
): void {
  // Bodies are bytes to pass on, whatever they call themselves.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, payload, done) => done(null, payload));

  const grantFor = (method: string, url: string): BlobGrant => {
    const verified = verifySignedUrl(method, url, context.clock.now(), signingKey);
    if (verified.ok) return verified.value;
    const message = `This signed URL is ${verified.error}`;
    throw new HearthError("forbidden", { message, details: { reason: verified.error } });
  };

  app.get(`${blobPath}*`, async (request, reply) => {
    const grant = grantFor("GET", request.url);
    if (grant.method !== "GET") throw new HearthError("forbidden");
    return sendBlob(request, reply, context.blobs, { ...grant, etag: null });
  });

  app.put(`${blobPath}*`, { bodyLimit: Number.MAX_SAFE_INTEGER }, async (request, reply) => {
    const grant = grantFor("PUT", request.url);
    if (grant.method !== "PUT") throw new HearthError("forbidden");
    const { key, sizeBytes, contentType } = grant;
    if (request.headers["content-length"] !== String(sizeBytes)) {
      const details = { field: "Content-Length", reason: `must be ${sizeBytes}` };
      throw new HearthError("invalid_request", { details });
    }
    const expectedHash = `blake3:${key.slice(key.lastIndexOf("-") + 1)}`;
    const body = request.body as Readable;
    await context.blobs.put(key, body, { contentType, maxBytes: sizeBytes, expectedHash });
    return reply.code(200).send();
  });
}
