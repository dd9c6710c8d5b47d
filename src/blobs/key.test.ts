import { expect, it } from "vitest";

import { isBlobKey, isBlobPrefix } from "./key.ts";

it("takes plain segments for a key, up to 512 characters", () => {
  for (const key of ["a", "jobs/1/2/ab.png", "a/..b/.c", "a".repeat(512)]) {
    expect(isBlobKey(key), key).toBe(true);
  }
  for (const key of [
    "",
    "/",
    "a/",
    "/a",
    "a//b",
    ".",
    "..",
    "a/../b",
    "...",
    "a%2fb",
    "~parts/a",
  ]) {
    expect(isBlobKey(key), key).toBe(false);
  }
  expect(isBlobKey("a".repeat(513))).toBe(false);
});

it("takes a key and a slash for a prefix", () => {
  expect(isBlobPrefix("a/b/")).toBe(true);
  for (const prefix of ["", "/", "a", "a//", "../"])
    expect(isBlobPrefix(prefix), prefix).toBe(false);
});
