import { randomBytes, randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Blake3 } from "../kernel/blake3.ts";
import type { BlobStore } from "./blobs.ts";

export interface SuiteLimits {
  /** False for a test server that cannot cut a list into pages. */
  readonly canPage: boolean;
  /** False for a test server that writes over the bytes which somebody reads. */
  readonly replacesAtOnce: boolean;
}

export interface OpenedBlobs {
  readonly blobs: BlobStore;
  close(): Promise<void>;
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Of this thread, without what is only waiting to be collected. */
function heldBytes(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

const options = { contentType: "application/octet-stream", maxBytes: 1024 * 1024 };

/** The contract of every blob store. */
export function describeBlobStore(
  name: string,
  open: () => Promise<OpenedBlobs>,
  limits: SuiteLimits = { canPage: true, replacesAtOnce: true },
): void {
  describe(`the ${name} blob store`, () => {
    let opened: OpenedBlobs;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.close());

    const newKey = (): string => `suite/${randomUUID()}/a`;
    const read = async (key: string): Promise<Buffer | undefined> => {
      const body = await opened.blobs.get(key);
      return body && buffer(body.stream);
    };
    const put = (key: string, bytes: Buffer, change = {}): Promise<unknown> =>
      opened.blobs.put(key, Readable.from([bytes]), { ...options, ...change });

    it("gives back what was put, with its size and hash", async () => {
      const [key, bytes] = [newKey(), randomBytes(70_000)];
      const hash = new Blake3().update(bytes).digest();
      expect(await put(key, bytes)).toEqual({ sizeBytes: 70_000, hash });
      expect(await opened.blobs.head(key)).toEqual({ sizeBytes: 70_000 });
      expect((await read(key))?.equals(bytes)).toBe(true);
    });

    it("takes bytes that are at hand already, and refuses others than were announced", async () => {
      const [key, bytes] = [newKey(), randomBytes(3_000)];
      const hash = new Blake3().update(bytes).digest();
      const expected = { ...options, expectedHash: hash };
      expect(await opened.blobs.put(key, bytes, expected)).toEqual({ sizeBytes: 3_000, hash });
      expect((await read(key))?.equals(bytes)).toBe(true);
      const other = newKey();
      const refused = opened.blobs.put(other, randomBytes(3_000), expected);
      await expect(refused).rejects.toMatchObject({ code: "hash_mismatch" });
      expect(await opened.blobs.head(other)).toBeUndefined();
    });

    it("keeps an empty blob", async () => {
      const key = newKey();
      await opened.blobs.put(key, Readable.from([]), options);
      expect(await opened.blobs.head(key)).toEqual({ sizeBytes: 0 });
      expect(await read(key)).toHaveLength(0);
    });

    it("reads a range and still says how large the whole is", async () => {
      const [key, bytes] = [newKey(), Buffer.from("0123456789")];
      await put(key, bytes);
      const body = await opened.blobs.get(key, { start: 3, end: 5 });
      expect(body?.sizeBytes).toBe(10);
      expect(String(body && (await buffer(body.stream)))).toBe("345");
    });

    it("finds nothing under a key that was never put", async () => {
      expect(await opened.blobs.get(newKey())).toBeUndefined();
      expect(await opened.blobs.head(newKey())).toBeUndefined();
    });

    it("replaces what was there", async () => {
      const key = newKey();
      await put(key, Buffer.from("old"));
      await put(key, Buffer.from("new"));
      expect(String(await read(key))).toBe("new");
    });

    it("leaves nothing behind when too much comes, other bytes come, or the sender breaks off", async () => {
      const [large, wrong, broken] = [newKey(), newKey(), newKey()];
      await expect(put(large, randomBytes(2000), { maxBytes: 1000 })).rejects.toMatchObject({
        code: "body_too_large",
      });
      const expectedHash = `blake3:${"0".repeat(64)}`;
      await expect(put(wrong, randomBytes(10), { expectedHash })).rejects.toMatchObject({
        code: "hash_mismatch",
      });
      const breaking = Readable.from(
        (async function* () {
          yield randomBytes(100);
          await Promise.reject(new Error("the sender is gone"));
        })(),
      );
      await expect(opened.blobs.put(broken, breaking, options)).rejects.toThrow("gone");
      for (const key of [large, wrong, broken]) {
        expect(await opened.blobs.head(key)).toBeUndefined();
      }
    });

    it("deletes, also what is not there", async () => {
      const key = newKey();
      await put(key, Buffer.from("x"));
      await opened.blobs.delete([key, newKey()]);
      expect(await opened.blobs.head(key)).toBeUndefined();
    });

    const fillFolder = async (): Promise<{ folder: string; keys: readonly string[] }> => {
      const folder = `suite/${randomUUID()}/`;
      const keys = ["a/b", "a/c", "b", "c/d"].map((name) => folder + name);
      for (const key of keys.toReversed()) await put(key, Buffer.from("x"));
      return { folder, keys };
    };

    it("lists the keys of a folder in order", async () => {
      const { folder, keys } = await fillFolder();
      expect(await opened.blobs.list(folder, 10)).toEqual(keys);
      expect(await opened.blobs.list(folder, 10, keys[1])).toEqual(keys.slice(2));
    });

    it.runIf(limits.canPage)("lists in pages", async () => {
      const { folder, keys } = await fillFolder();
      expect(await opened.blobs.list(folder, 3)).toEqual(keys.slice(0, 3));
    });

    it("refuses keys that could lead elsewhere", async () => {
      for (const key of ["../a", "a//b", "/a", "a/..", "", "a/\0", "a b", "a\\b"]) {
        await expect(put(key, Buffer.from("x"))).rejects.toThrow("not a blob key");
      }
    });

    it("keeps what was there when its replacement is refused", async () => {
      const [key, expectedHash] = [newKey(), `blake3:${"0".repeat(64)}`];
      await put(key, Buffer.from("kept"));
      await expect(put(key, Buffer.from("other"), { expectedHash })).rejects.toThrow();
      await expect(put(key, randomBytes(2000), { maxBytes: 1000 })).rejects.toThrow();
      expect(String(await read(key))).toBe("kept");
    });

    it.runIf(limits.replacesAtOnce)(
      "lets a reader finish the old bytes while they are replaced",
      async () => {
        const key = newKey();
        const [old, fresh] = [randomBytes(900_000), randomBytes(900_000)];
        await put(key, old);
        const body = await opened.blobs.get(key);
        const replaced = put(key, fresh);
        expect(body && (await buffer(body.stream)).equals(old)).toBe(true);
        await replaced;
        expect((await read(key))?.equals(fresh)).toBe(true);
      },
    );

    it("passes 64 MiB on without holding them", async () => {
      const key = newKey();
      const block = Buffer.alloc(1024 * 1024, 1);
      const beforeBytes = heldBytes();
      let peakBytes = 0;
      const blocks = function* (): Generator<Buffer> {
        for (let sent = 0; sent < 64; sent++) {
          if (sent % 8 === 7) peakBytes = Math.max(peakBytes, heldBytes() - beforeBytes);
          yield block;
        }
      };
      const maxBytes = 64 * block.length;
      await opened.blobs.put(key, Readable.from(blocks()), { ...options, maxBytes });
      expect(await opened.blobs.head(key)).toEqual({ sizeBytes: maxBytes });
      expect(peakBytes).toBeLessThan(52 * block.length);
    });

    it("survives many writers of one key", async () => {
      const [key, bytes] = [newKey(), randomBytes(50_000)];
      await Promise.all(Array.from({ length: 8 }, () => put(key, bytes)));
      expect((await read(key))?.equals(bytes)).toBe(true);
    });
  });
}
