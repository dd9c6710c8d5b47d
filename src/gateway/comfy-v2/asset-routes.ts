import type { FastifyReply, FastifyRequest } from "fastify";

import { isBlake3 } from "../../kernel/blake3.ts";
import { HearthError } from "../../kernel/errors.ts";
import { isUuid } from "../../kernel/id.ts";
import { fromHashBodySchema, type AssetBody } from "../../protocol/comfy-v2.ts";
import type { AssetRecord } from "../../store/assets.ts";
import { authenticate } from "../auth.ts";
import type { GatewayContext } from "../context.ts";
import { readBody } from "../json-body.ts";
import { dispositionOf } from "../media.ts";
import { sendBlob } from "../send-blob.ts";
import { requireFilePath } from "./file-path.ts";
import { signerOf } from "./job-routes.ts";
import { assetBody } from "./translate.ts";

async function findAsset(request: FastifyRequest, context: GatewayContext): Promise<AssetRecord> {
  const caller = await authenticate(request, context, "read");
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

export async function getAssetContent(
  request: FastifyRequest,
  reply: FastifyReply,
  context: GatewayContext,
): Promise<FastifyReply> {
  const { blobKey, contentType, filePath, hash, id } = await findAsset(request, context);
  return sendBlob(request, reply, context.blobs, {
    key: blobKey,
    contentType,
    filename: filePath?.split("/").at(-1) ?? id,
    disposition: dispositionOf(contentType),
    etag: hash,
  });
}

export async function deleteAsset(
  request: FastifyRequest,
  reply: FastifyReply,
  context: GatewayContext,
): Promise<FastifyReply> {
  const caller = await authenticate(request, context, "run");
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
  const caller = await authenticate(request, context, "run");
  const body = readBody(fromHashBodySchema, request.body);
  const minted = await context.store.assets.mint(
    {
      id: context.newId(),
      tenantId: caller.tenantId,
      hash: body.hash,
      contentType: "application/octet-stream",
      filePath: body.file_path === undefined ? null : requireFilePath(body.file_path),
      tags: body.tags ?? [],
      retentionMs: body.expires_in === undefined ? null : body.expires_in * 1000,
    },
    null,
  );
  if (minted === undefined || minted === "reused") throw new HearthError("blob_not_found");
  reply.code(minted.isExistingRecord ? 200 : 201);
  const created_new = !minted.isExistingRecord;
  return { ...(await assetBody(minted.asset, signerOf(context))), created_new };
}

export async function headAssetByHash(
  request: FastifyRequest,
  reply: FastifyReply,
  context: GatewayContext,
): Promise<FastifyReply> {
  const caller = await authenticate(request, context, "read");
  const { hash = "" } = request.params as { readonly hash?: string };
  const isThere = isBlake3(hash) && (await context.store.assets.hasBlob(caller.tenantId, hash));
  if (!isThere) throw new HearthError("blob_not_found");
  return reply.code(200).send();
}
