import { HearthError } from "../../kernel/errors.ts";
import {
  outputKey,
  type CompleteRequest,
  type OutputFile,
  type UploadsRequest,
  type UploadsResponse,
} from "../../protocol/worker-link.ts";
import type { AttemptRef, NewOutput } from "../../store/attempts.ts";
import type { GatewayContext } from "../context.ts";

/** Says where to put files. Errors: `stale_attempt`. */
export async function signUploads(
  context: GatewayContext,
  attempt: AttemptRef,
  request: UploadsRequest,
): Promise<UploadsResponse> {
  if ((await context.store.attempts.verdict(attempt)) === "stale") {
    throw new HearthError("stale_attempt");
  }
  const expiresInMs = context.settings.signedUrlMs;
  const uploads = request.files.map(async ({ hash, sizeBytes, contentType }) => {
    const key = outputKey(attempt.jobId, attempt.epoch, hash);
    const { url, headers } = await context.blobs.signPut(key, {
      expiresInMs,
      contentType,
      sizeBytes,
    });
    return { key, url, headers: { ...headers } };
  });
  return { uploads: await Promise.all(uploads) };
}

/** A small output that came along with its completion. */
interface InlineContent {
  readonly contentType: string;
  readonly bytes: Buffer;
}

/** The bytes of small outputs by their hash, which is not verified yet. Errors: `invalid_request`. */
export function readContents(
  outputs: readonly OutputFile[],
  contents: NonNullable<CompleteRequest["contents"]>,
): ReadonlyMap<string, InlineContent> {
  const byHash = new Map<string, InlineContent>();
  for (const { hash, dataBase64 } of contents) {
    const contentType = outputs.find((output) => output.hash === hash)?.contentType;
    if (contentType === undefined) throw refused("contents", "the bytes of no output");
    byHash.set(hash, { contentType, bytes: Buffer.from(dataBase64, "base64") });
  }
  return byHash;
}

/** Stores small outputs, each against its hash. Errors: `hash_mismatch`, `service_unavailable`. */
export async function storeContents(
  context: GatewayContext,
  attempt: AttemptRef,
  contents: ReadonlyMap<string, InlineContent>,
): Promise<void> {
  const puts = [...contents].map(([hash, { contentType, bytes }]) => {
    const options = { contentType, maxBytes: bytes.length, expectedHash: hash };
    const key = outputKey(attempt.jobId, attempt.epoch, hash);
    return context.blobs.put(key, bytes, options);
  });
  await Promise.all(puts);
}

/**
 * Every output must have the key that belongs to its hash, and its bytes must be there or have
 * come along (`inline`).
 */
export function checkedOutputs(
  context: GatewayContext,
  attempt: AttemptRef,
  outputs: readonly OutputFile[],
  inline: ReadonlyMap<string, InlineContent> = new Map(),
): Promise<readonly NewOutput[]> {
  const checks = outputs.map(async (output, index): Promise<NewOutput> => {
    const field = `outputs.${index}.key`;
    if (output.key !== outputKey(attempt.jobId, attempt.epoch, output.hash)) {
      throw refused(field, "not the key of this attempt and hash");
    }
    const own = inline.get(output.hash);
    const stored =
      own === undefined ? await context.blobs.head(output.key) : { sizeBytes: own.bytes.length };
    if (stored?.sizeBytes !== output.sizeBytes) {
      throw refused(field, stored === undefined ? "not uploaded" : "uploaded with another size");
    }
    return { ...output, assetId: context.newId() };
  });
  return Promise.all(checks);
}

function refused(field: string, reason: string): HearthError {
  return new HearthError("invalid_request", { details: { field, reason } });
}
