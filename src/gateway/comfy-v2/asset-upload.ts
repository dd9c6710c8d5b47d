import { pipeline } from "node:stream";

import type { MultipartFile } from "@fastify/multipart";
import type { FastifyReply, FastifyRequest } from "fastify";

import type { StoredBlob } from "../../blobs/blobs.ts";
import { HearthError, errorMessage } from "../../kernel/errors.ts";
import { uploadFieldsSchema, type AssetBody } from "../../protocol/comfy-v2.ts";
import type { MintedAsset, NewAsset } from "../../store/assets.ts";
import type { GatewayContext } from "../context.ts";
import { readBody } from "../json-body.ts";
import { requireFilePath } from "./file-path.ts";
import { idempotencyKeyOf } from "./idempotency.ts";
import { signerOf } from "./job-routes.ts";
import { authenticateMounted } from "./mount.ts";
import { PixelGuard } from "./pixel-guard.ts";
import { assetBody } from "./translate.ts";

const partLimits = { fields: 64, fieldSize: 4096, files: 1, fileSize: Infinity, parts: 80 };

interface Upload {
  readonly key: string;
  /** Text parts by name; `tags` may repeat. */
  readonly fields: Map<string, unknown>;
  readonly tags: unknown[];
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
  const { tenantId } = await authenticateMounted(request, context, "run");
  if (!request.isMultipart()) throw new HearthError("unsupported_media_type");
  const idempotencyKey = idempotencyKeyOf(request);
  const key = `uploads/${tenantId}/${context.newId()}`;
  const upload: Upload = { key, fields: new Map(), tags: [], stored: undefined };
  let asset: NewAsset;
  try {
    await receive(request, context, upload);
    asset = judge(upload, tenantId, context.newId());
  } catch (thrown) {
    if (upload.stored !== undefined) await discard(context, key);
    throw formFault(thrown) ?? thrown;
  }
  // Where this throws, the record may stand all the same, so its bytes must stay.
  const minted = await context.store.assets.mint(asset, idempotencyKey);
  if (typeof minted !== "object" || !minted.isNewBlob) await discard(context, key);
  return answer(minted, reply, context);
}

/** `201` for bytes that were new, `200` for a record over bytes that were there. */
async function answer(
  minted: MintedAsset | "reused" | undefined,
  reply: FastifyReply,
  context: GatewayContext,
): Promise<AssetBody> {
  if (minted === "reused") throw new HearthError("idempotency_key_reuse");
  if (minted === undefined) throw new Error("a stored blob could not be minted");
  const { asset, isNewBlob } = minted;
  reply.code(isNewBlob ? 201 : 200);
  return { ...(await assetBody(asset, signerOf(context))), created_new: isNewBlob };
}

async function receive(
  request: FastifyRequest,
  context: GatewayContext,
  upload: Upload,
): Promise<void> {
  for await (const part of request.parts({ limits: partLimits })) {
    const { fieldname } = part;
    if (part.type === "file") {
      if (fieldname !== "file") throw refused(fieldname, "is not a part of an upload");
      upload.stored = await store(context, upload.key, part);
    } else if (fieldname === "tags") {
      upload.tags.push(part.value);
    } else if (upload.fields.has(fieldname)) {
      throw refused(fieldname, "must be given once");
    } else {
      upload.fields.set(fieldname, part.value);
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

/** Errors: `invalid_request` naming the part, `hash_mismatch`. */
function judge(upload: Upload, tenantId: number, id: string): NewAsset {
  const given = { ...Object.fromEntries(upload.fields), tags: upload.tags };
  const fields = readBody(uploadFieldsSchema, given);
  const filePath = requireFilePath(fields.file_path);
  if (upload.stored === undefined) throw refused("file", "is missing");
  const { hash, sizeBytes } = upload.stored;
  if (fields.expected_hash !== undefined && fields.expected_hash !== hash) {
    throw new HearthError("hash_mismatch", { details: { field: "expected_hash", actual: hash } });
  }
  return {
    id,
    tenantId,
    hash,
    contentType: fields.content_type,
    filePath,
    tags: fields.tags,
    retentionMs: fields.expires_in === undefined ? null : fields.expires_in * 1000,
    blob: { key: upload.key, sizeBytes },
  };
}

/** The form reader has no codes for a form that ends too early or has no boundary. */
function formFault(thrown: unknown): HearthError | undefined {
  if (thrown instanceof HearthError || !/multipart|boundary/iu.test(errorMessage(thrown))) {
    return undefined;
  }
  const reason = "is not a complete form";
  const details = { field: "body", reason };
  return new HearthError("invalid_request", {
    message: `The body ${reason}`,
    details,
    cause: thrown,
  });
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
