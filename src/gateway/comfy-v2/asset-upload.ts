import { pipeline } from "node:stream";

import type { MultipartFile } from "@fastify/multipart";
import type { FastifyReply, FastifyRequest } from "fastify";

import type { StoredBlob } from "../../blobs/blobs.ts";
import { HearthError, errorMessage } from "../../kernel/errors.ts";
import { uploadFieldsSchema, type AssetBody, type UploadFields } from "../../protocol/comfy-v2.ts";
import type { MintedAsset } from "../../store/assets.ts";
import { authenticate, type Caller } from "../auth.ts";
import type { GatewayContext } from "../context.ts";
import { readBody } from "../json-body.ts";
import { requireFilePath } from "./file-path.ts";
import { idempotencyKeyOf } from "./idempotency.ts";
import { PixelGuard } from "./pixel-guard.ts";
import { signerOf } from "./job-routes.ts";
import { assetBody } from "./translate.ts";

const partLimits = { fields: 64, fieldSize: 4096, files: 1, fileSize: Infinity, parts: 80 };

interface Upload {
  readonly key: string;
  readonly fields: Record<string, unknown>;
  stored: StoredBlob | undefined;
}

/**
 * Takes a file as it streams in, whatever the order of the parts, and mints its record. Nothing
 * stays behind when the upload is refused or breaks off.
 */
export async function postAsset(
  request: FastifyRequest,
  reply: FastifyReply,
  context: GatewayContext,
): Promise<AssetBody> {
  const caller = await authenticate(request, context, "run");
  if (!request.isMultipart()) throw new HearthError("unsupported_media_type");
  const idempotencyKey = idempotencyKeyOf(request);
  const key = `uploads/${caller.tenantId}/${context.newId()}`;
  const upload: Upload = { key, fields: { tags: [] }, stored: undefined };
  let minted: MintedAsset | undefined;
  try {
    await receive(request, context, upload);
    minted = await mint(context, caller, upload, idempotencyKey);
  } finally {
    if (upload.stored !== undefined && minted?.isNewBlob !== true) await discard(context, key);
  }
  reply.code(minted.isExistingRecord ? 200 : 201);
  const created_new = !minted.isExistingRecord;
  return { ...(await assetBody(minted.asset, signerOf(context))), created_new };
}

async function receive(
  request: FastifyRequest,
  context: GatewayContext,
  upload: Upload,
): Promise<void> {
  for await (const part of request.parts({ limits: partLimits })) {
    if (part.type === "file") {
      if (part.fieldname !== "file") throw refused(part.fieldname, "is not a part of an upload");
      upload.stored = await store(context, upload.key, part);
    } else if (part.fieldname === "tags") {
      (upload.fields.tags as unknown[]).push(part.value);
    } else if (Object.hasOwn(upload.fields, part.fieldname)) {
      throw refused(part.fieldname, "must be given once");
    } else {
      upload.fields[part.fieldname] = part.value;
    }
  }
}

function store(context: GatewayContext, key: string, part: MultipartFile): Promise<StoredBlob> {
  const { uploadBytes, imagePixels } = context.settings.limits;
  // The guard carries an early end of the part on, so its callback has nothing to add.
  const guarded = pipeline(part.file, new PixelGuard(imagePixels), () => undefined);
  return context.blobs.put(key, guarded, {
    contentType: "application/octet-stream",
    maxBytes: uploadBytes,
  });
}

async function mint(
  context: GatewayContext,
  caller: Caller,
  upload: Upload,
  idempotencyKey: string | null,
): Promise<MintedAsset> {
  const fields: UploadFields = readBody(uploadFieldsSchema, upload.fields);
  const filePath = requireFilePath(fields.file_path);
  if (upload.stored === undefined) throw refused("file", "is missing");
  const { hash, sizeBytes } = upload.stored;
  if (fields.expected_hash !== undefined && fields.expected_hash !== hash) {
    throw new HearthError("hash_mismatch", { details: { field: "expected_hash", actual: hash } });
  }
  const minted = await context.store.assets.mint(
    {
      id: context.newId(),
      tenantId: caller.tenantId,
      hash,
      contentType: fields.content_type,
      filePath,
      tags: fields.tags,
      retentionMs: fields.expires_in === undefined ? null : fields.expires_in * 1000,
      blob: { key: upload.key, sizeBytes },
    },
    idempotencyKey,
  );
  if (minted === "reused") throw new HearthError("idempotency_key_reuse");
  if (minted === undefined) throw new Error("a stored blob could not be minted");
  return minted;
}

async function discard(context: GatewayContext, key: string): Promise<void> {
  await context.blobs.delete([key]).catch((thrown: unknown) => {
    context.logger.warn({ key, cause: errorMessage(thrown) }, "an unused upload stays behind");
  });
}

function refused(field: string, reason: string): HearthError {
  return new HearthError("invalid_request", {
    message: `${field.slice(0, 80)} ${reason}`,
    details: { field: field.slice(0, 80), reason },
  });
}
