import { randomBytes } from "node:crypto";

import { describe, expect, it } from "vitest";

import { hashesMatch, hashToken, mintApiKey, mintToken, parseApiKey } from "./credentials.ts";

describe("API keys", () => {
  it("read back to the id and hash they were minted with", () => {
    const minted = mintApiKey(randomBytes(64));
    const parsed = parseApiKey(minted.key);
    expect(parsed?.id).toBe(minted.id);
    expect(hashesMatch(parsed?.secretHash ?? new Uint8Array(), minted.secretHash)).toBe(true);
  });

  it("are refused without a look-up when any one character differs", () => {
    const { key } = mintApiKey(randomBytes(64));
    for (let at = 0; at < key.length; at++) {
      const other = key[at] === "a" ? "b" : "a";
      expect(parseApiKey(key.slice(0, at) + other + key.slice(at + 1))).toBeUndefined();
    }
  });

  it("differ in id and secret from one to the next", () => {
    const [left, right] = [mintApiKey(randomBytes(64)), mintApiKey(randomBytes(64))];
    expect(left.id).not.toBe(right.id);
    expect(hashesMatch(left.secretHash, right.secretHash)).toBe(false);
  });
});

it("finds a worker token by its hash alone", () => {
  const { token, tokenHash } = mintToken(randomBytes(32));
  expect(hashesMatch(hashToken(token), tokenHash)).toBe(true);
});
