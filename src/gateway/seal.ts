import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/** Keeps per-prompt credentials unreadable in the database until their job has ended. */
export interface Seal {
  seal(values: Readonly<Record<string, string>>): Uint8Array;
  /** Throws if the bytes were not sealed with this key. */
  open(sealed: Uint8Array): Readonly<Record<string, string>>;
}

const ivBytes = 12;
const tagBytes = 16;

/** AES-256-GCM under a 32-byte key that lives outside the database. Layout: iv, tag, text. */
export function createSeal(key: Uint8Array): Seal {
  return {
    seal(values) {
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv("aes-256-gcm", key, iv);
      const text = Buffer.concat([cipher.update(JSON.stringify(values), "utf8"), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), text]);
    },
    open(sealed) {
      const bytes = Buffer.from(sealed);
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, ivBytes));
      decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
      const text = decipher.update(bytes.subarray(ivBytes + tagBytes));
      return JSON.parse(Buffer.concat([text, decipher.final()]).toString("utf8")) as Record<
        string,
        string
      >;
    },
  };
}
