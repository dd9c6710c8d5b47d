/**
 * A version-7 UUID (RFC 9562): sortable by creation, canonical lowercase.
 * `randomBytes` supplies at least 10 bytes of entropy.
 */
export function uuidV7(nowMs: number, randomBytes: Uint8Array): string {
  if (randomBytes.length < 10) throw new RangeError("uuidV7 needs 10 random bytes");
  const hex: string[] = [];
  for (let shift = 40; shift >= 0; shift -= 8) {
    hex.push(byteHex(Math.floor(nowMs / 2 ** shift) % 256));
  }
  hex.push(byteHex(((randomBytes[0] ?? 0) & 0x0f) | 0x70));
  hex.push(byteHex(randomBytes[1] ?? 0));
  hex.push(byteHex(((randomBytes[2] ?? 0) & 0x3f) | 0x80));
  for (let index = 3; index < 10; index++) hex.push(byteHex(randomBytes[index] ?? 0));
  const flat = hex.join("");
  return [8, 12, 16, 20].reduceRight((text, at) => `${text.slice(0, at)}-${text.slice(at)}`, flat);
}

function byteHex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/u;

/** Whether `text` is a canonical lowercase UUID, the only spelling ComfyUI takes as a `prompt_id`. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}
