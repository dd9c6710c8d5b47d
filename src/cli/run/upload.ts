import { createReadStream, openAsBlob } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, extname, resolve } from "node:path";

import { Blake3 } from "../../kernel/blake3.ts";
import { errorMessage } from "../../kernel/errors.ts";
import type { ApiClient } from "../api/client.ts";
import { assetSchema } from "../api/shapes.ts";
import { CliFailure } from "../failure.ts";

export interface UploadedFile {
  readonly assetId: string;
  readonly sizeBytes: number;
  /** False: the server had the bytes already. */
  readonly wasSent: boolean;
}

const contentTypes: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".webp": "image/webp",
  ".gif": "image/gif",
  ".mp4": "video/mp4",
  ".webm": "video/webm",
  ".wav": "audio/wav",
  ".mp3": "audio/mpeg",
  ".flac": "audio/flac",
  ".txt": "text/plain",
};
/** 1 GiB at a slow 1.2 MB/s. */
const uploadTimeoutMs = 900_000;

/** Makes a file an asset, sending its bytes only where the server does not have them. */
export async function uploadFile(
  client: ApiClient,
  path: string,
  folder: string,
): Promise<UploadedFile> {
  const absolute = resolve(folder, path);
  const { hash, sizeBytes } = await hashFile(absolute, path);
  const filePath = basename(absolute);
  const byHash = `/api/v2/assets/by-hash/${encodeURIComponent(hash)}`;
  if ((await client.reach("HEAD", byHash)).status === 200) {
    const body = JSON.stringify({ hash, file_path: filePath });
    const asset = await client.json(assetSchema, "POST", "/api/v2/assets/from-hash", { body });
    return { assetId: asset.id, sizeBytes, wasSent: false };
  }
  const contentType = contentTypes[extname(filePath).toLowerCase()] ?? "application/octet-stream";
  const form = new FormData();
  form.append("content_type", contentType);
  form.append("file_path", filePath);
  form.append("expected_hash", hash);
  form.append("file", await openAsBlob(absolute, { type: contentType }), filePath);
  const asset = await client.json(assetSchema, "POST", "/api/v2/assets", {
    body: form,
    timeoutMs: uploadTimeoutMs,
  });
  return { assetId: asset.id, sizeBytes, wasSent: true };
}

async function hashFile(
  absolute: string,
  path: string,
): Promise<{ hash: string; sizeBytes: number }> {
  try {
    const hasher = new Blake3();
    for await (const chunk of createReadStream(absolute)) hasher.update(chunk as Buffer);
    return { hash: hasher.digest(), sizeBytes: (await stat(absolute)).size };
  } catch (cause) {
    throw new CliFailure("usage", `${path} cannot be read: ${errorMessage(cause)}.`);
  }
}
