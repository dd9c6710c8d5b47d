import { createHmac, timingSafeEqual } from "node:crypto";

import { err, ok, type Result } from "../kernel/result.ts";
import type { SignGetOptions, SignPutOptions } from "./blobs.ts";
import { isBlobKey } from "./key.ts";

export const blobPath = "/blobs/";

/** What a verified URL allows, once. */
export type BlobGrant =
  | (Omit<SignGetOptions, "expiresInMs"> & { readonly method: "GET"; readonly key: string })
  | (Omit<SignPutOptions, "expiresInMs"> & { readonly method: "PUT"; readonly key: string });

export type GrantRefusal = "malformed" | "expired" | "forged";

/** Path and query that let anybody read one blob until `expiresAtMs`. */
export function signGetPath(
  key: string,
  options: SignGetOptions,
  nowMs: number,
  signingKey: Uint8Array,
): string {
  const query = {
    ct: options.contentType,
    fn: options.filename,
    dl: options.disposition === "inline" ? "0" : "1",
  };
  return signedPath("GET", key, query, nowMs + options.expiresInMs, signingKey);
}

/** Path and query that let anybody store one blob of exactly this size until `expiresAtMs`. */
export function signPutPath(
  key: string,
  options: SignPutOptions,
  nowMs: number,
  signingKey: Uint8Array,
): string {
  const query = { ct: options.contentType, size: String(options.sizeBytes) };
  return signedPath("PUT", key, query, nowMs + options.expiresInMs, signingKey);
}

/** Reads a URL that this key signed. Every field and the method are under the signature. */
export function verifySignedUrl(
  method: string,
  pathAndQuery: string,
  nowMs: number,
  signingKey: Uint8Array,
): Result<BlobGrant, GrantRefusal> {
  const mark = `${pathAndQuery}?`.indexOf("?");
  const path = pathAndQuery.slice(0, mark);
  const key = path.startsWith(blobPath) ? path.slice(blobPath.length) : "";
  const query = new URLSearchParams(pathAndQuery.slice(mark + 1));
  const signature = Buffer.from(query.get("sig") ?? "", "base64url");
  const expiresAtMs = Number(query.get("exp") ?? Number.NaN);
  query.delete("sig");
  if (!isBlobKey(key) || !Number.isSafeInteger(expiresAtMs)) return err("malformed");
  const expected = signatureOf(method, key, query, signingKey);
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
    return err("forged");
  }
  if (expiresAtMs <= nowMs) return err("expired");
  const contentType = query.get("ct") ?? "application/octet-stream";
  if (method === "PUT") {
    return ok({ method, key, contentType, sizeBytes: Number(query.get("size")) });
  }
  const disposition = query.get("dl") === "0" ? "inline" : "attachment";
  return ok({ method: "GET", key, contentType, filename: query.get("fn") ?? "file", disposition });
}

function signedPath(
  method: "GET" | "PUT",
  key: string,
  fields: Readonly<Record<string, string>>,
  expiresAtMs: number,
  signingKey: Uint8Array,
): string {
  const query = new URLSearchParams({ exp: String(expiresAtMs), ...fields });
  const signature = signatureOf(method, key, query, signingKey).toString("base64url");
  return `${blobPath}${key}?${query.toString()}&sig=${signature}`;
}

function signatureOf(
  method: string,
  key: string,
  query: URLSearchParams,
  signingKey: Uint8Array,
): Buffer {
  const text = [method, key, query.toString()].join("\n");
  return createHmac("sha256", signingKey).update(text).digest();
}
