import type { FastifyReply, FastifyRequest } from "fastify";

import { isBlake3 } from "../../kernel/blake3.ts";
import { HearthError } from "../../kernel/errors.ts";
import { isUuid } from "../../kernel/id.ts";
import { fromHashBodySchema, type AssetBody } from "../../protocol/comfy-v2.ts";
import type { AssetRecord } from "../../store/assets.ts";
import type { GatewayContext } from "../context.ts";
import { readBody } from "../json-body.ts";
import { dispositionOf } from "../media.ts";
import { sendBlob } from "../send-blob.ts";
import { contentTypeOf } from "./content-type.ts";
import { requireFilePath } from "./file-path.ts";
import { signerOf } from "./job-routes.ts";
import { authenticateMounted } from "./mount.ts";
import { assetBody } from "./translate.ts";

async function findAsset(request: FastifyRequest, context: GatewayContext): Promise<AssetRecord> {
  const caller = await authenticateMounted(request, context, "read");
  const { id = "" } = request.params as { readonly id?: string };
  const asset = isUuid(id) ? await context.store.assets.get(caller.tenantId, id) : undefined;
  if (asset === undefined) throw new HearthError("not_found");
  return asset;
}

export async function getAsset(
  request: FastifyRequest,
  context: GatewayContext,
): Promise<AssetBody> {
  return assetBody(await findAsset(request, context), signerOf(context));
}

/**
 * The bytes: streamed where the gateway keeps them itself, else a redirect to the object store,
 * which knows ranges too.
 */
export async function getAssetContent(
  request: FastifyRequest,
  reply: FastifyReply,
  context: GatewayContext,
): Promise<FastifyReply> {
  const { blobKey: key, contentType, filePath, hash, id } = await findAsset(request, context);
  const { blobs, settings } = context;
  const filename = filePath?.split("/").at(-1) ?? id;
  const disposition = dispositionOf(contentType);
  const expiresInMs = settings.signedUrlMs;
  const url = await blobs.signGet(key, { expiresInMs, contentType, filename, disposition });
  if (new URL(url).origin !== new URL(settings.publicUrl).origin) {
    return reply.header("Cache-Control", "no-store").redirect(url, 302);
  }
  return sendBlob(request, reply, blobs, { key, contentType, filename, disposition, etag: hash });
}

export async function deleteAsset(
  request: FastifyRequest,
  reply: FastifyReply,
  context: GatewayContext,
): Promise<FastifyReply> {
  const caller = await authenticateMounted(request, context, "run");
  const { id = "" } = request.params as { readonly id?: string };
  const outcome = isUuid(id) ? await context.store.assets.delete(caller.tenantId, id) : "not_found";
  if (outcome === "not_found") throw new HearthError("not_found");
  if (outcome === "in_use") throw new HearthError("asset_in_use");
  return reply.code(204).send();
}

/** Mints a record over bytes the tenant has: `201`, or `200` for the record that stood already. */
export async function postAssetFromHash(
  request: FastifyRequest,
  reply: FastifyReply,
  context: GatewayContext,
): Promise<AssetBody> {
  const caller = await authenticateMounted(request, context, "run");
  const body = readBody(fromHashBodySchema, request.body);
  const filePath = body.file_path === undefined ? null : requireFilePath(body.file_path);
  const minted = await context.store.assets.mint(
    {
      id: context.newId(),
      tenantId: caller.tenantId,
      hash: body.hash,
      contentType: contentTypeOf(filePath),
      filePath,
      tags: body.tags ?? [],
      retentionMs: body.expires_in === undefined ? null : body.expires_in * 1000,
    },
    null,
  );
  if (minted === undefined || minted === "reused") throw new HearthError("blob_not_found");
  reply.code(minted.isExistingRecord ? 200 : 201);
  return { ...(await assetBody(minted.asset, signerOf(context))), created_new: false };
}

export async function headAssetByHash(
  request: FastifyRequest,
  reply: FastifyReply,
  context: GatewayContext,
): Promise<FastifyReply> {
  const caller = await authenticateMounted(request, context, "read");
  const { hash = "" } = request.params as { readonly hash?: string };
  const isThere = isBlake3(hash) && (await context.store.assets.hasBlob(caller.tenantId, hash));
  if (!isThere) throw new HearthError("blob_not_found");
  return reply.code(200).send();
}
