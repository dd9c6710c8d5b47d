import { createHash, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const idLength = 12;
const secretLength = 52;
const keyPattern = /^hearth_([0-9a-z]{12})_([0-9a-z]{52})([0-9a-f]{8})$/u;

export interface MintedKey {
  readonly id: string;
  /** Shown once; only the hash of its secret is stored. */
  readonly key: string;
  readonly secretHash: Uint8Array;
}

/** Makes an API key `hearth_<id>_<secret><checksum>` from 64 random bytes: 260 bits of secret. */
export function mintApiKey(random: Uint8Array): MintedKey {
  if (random.length < idLength + secretLength) throw new RangeError("needs 64 random bytes");
  const id = encode(random.subarray(0, idLength));
  const secret = encode(random.subarray(idLength, idLength + secretLength));
  const body = `hearth_${id}_${secret}`;
  return { id, key: body + checksum(body), secretHash: sha256(secret) };
}

/** Undefined: not a key of ours, or mistyped; no database is asked about those. */
export function parseApiKey(
  text: string,
): { readonly id: string; readonly secretHash: Uint8Array } | undefined {
  const match = keyPattern.exec(text);
  const [, id, secret, sum] = match ?? [];
  if (id === undefined || secret === undefined) return undefined;
  return checksum(`hearth_${id}_${secret}`) === sum
    ? { id, secretHash: sha256(secret) }
    : undefined;
}

/** Makes a token for an enrolment or a worker from at least 32 random bytes. */
export function mintToken(random: Uint8Array): {
  readonly token: string;
  readonly tokenHash: Uint8Array;
} {
  const token = `hw_${Buffer.from(random.subarray(0, 32)).toString("base64url")}`;
  return { token, tokenHash: hashToken(token) };
}

export function hashToken(token: string): Uint8Array {
  return sha256(token);
}

export function hashesMatch(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

/** One letter a byte, five bits each, so that no length depends on the value. */
function encode(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => alphabet[byte % 32]).join("");
}

function checksum(body: string): string {
  return crc32(body).toString(16).padStart(8, "0");
}

function sha256(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
