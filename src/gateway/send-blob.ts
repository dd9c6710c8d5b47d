import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

import type { FastifyReply, FastifyRequest } from "fastify";

import type { BlobBody, BlobStore, ByteRange } from "../blobs/blobs.ts";
import { attachmentHeader } from "../blobs/content-disposition.ts";
import { HearthError } from "../kernel/errors.ts";
import { matchesEtag } from "./etag.ts";
import { parseRange } from "./range.ts";

/** Up to here one write costs less than a stream. */
const smallBytes = 64 * 1024;

export interface SentBlob {
  readonly key: string;
  readonly contentType: string;
  readonly filename: string;
  readonly disposition: "inline" | "attachment";
  /** The hash of the bytes; null where it is not known. */
  readonly etag: string | null;
}

/**
 * Streams a blob, or the one range asked for; a HEAD gets the headers alone. Errors: `not_found`,
 * `range_not_satisfiable`.
 */
export async function sendBlob(
  request: FastifyRequest,
  reply: FastifyReply,
  blobs: BlobStore,
  blob: SentBlob,
): Promise<FastifyReply> {
  const etag = blob.etag === null ? null : `"${blob.etag}"`;
  if (isPlain(request)) {
    const whole = await blobs.get(blob.key);
    if (whole === undefined) throw new HearthError("not_found");
    describe(reply, blob, etag).header("Content-Length", whole.sizeBytes);
    return reply.send(whole.sizeBytes > smallBytes ? whole.stream : await buffer(whole.stream));
  }
  const head = await blobs.head(blob.key);
  if (head === undefined) throw new HearthError("not_found");
  const { sizeBytes } = head;
  if (matchesEtag(request.headers["if-none-match"], etag)) {
    return describe(reply, blob, etag).code(304).send();
  }
  const range = rangeOf(request, etag, sizeBytes, reply);
  const body = request.method === "HEAD" ? emptyBody(sizeBytes) : await blobs.get(blob.key, range);
  if (body === undefined) throw new HearthError("not_found");
  describe(reply, blob, etag);
  if (range === undefined) return reply.header("Content-Length", sizeBytes).send(body.stream);
  const { start, end } = range;
  return reply
    .code(206)
    .header("Content-Range", `bytes ${start}-${end}/${sizeBytes}`)
    .header("Content-Length", end - start + 1)
    .send(body.stream);
}

/** Whether the whole is wanted without conditions, so that its size need not be known before. */
function isPlain({ method, headers }: FastifyRequest): boolean {
  return method === "GET" && headers.range === undefined && headers["if-none-match"] === undefined;
}

function rangeOf(
  request: FastifyRequest,
  etag: string | null,
  sizeBytes: number,
  reply: FastifyReply,
): ByteRange | undefined {
  const ifRange = request.headers["if-range"];
  const isSame = ifRange === undefined || ifRange === etag;
  const range = parseRange(isSame ? request.headers.range : undefined, sizeBytes);
  if (range !== "unsatisfiable") return range;
  reply.header("Content-Range", `bytes */${sizeBytes}`);
  throw new HearthError("range_not_satisfiable", { details: { sizeBytes } });
}

/** What a browser may do with the bytes: show a few kinds, save the rest, run nothing. */
function describe(reply: FastifyReply, blob: SentBlob, etag: string | null): FastifyReply {
  if (etag !== null) reply.header("ETag", etag);
  return reply
    .header("Accept-Ranges", "bytes")
    .header("Cache-Control", "private, max-age=31536000, immutable")
    .header("Content-Security-Policy", "sandbox; default-src 'none'")
    .header("Content-Disposition", attachmentHeader(blob.disposition, blob.filename))
    .type(blob.contentType);
}

function emptyBody(sizeBytes: number): BlobBody {
  return { sizeBytes, stream: Readable.from([]) };
}
