import { describe, expect, it } from "vitest";

import { matchesEtag } from "./etag.ts";
import { parseRange } from "./range.ts";

describe("a Range header over 100 bytes", () => {
  it.each([
    ["bytes=0-0", 0, 0],
    ["bytes=10-19", 10, 19],
    ["bytes=10-", 10, 99],
    ["bytes=10-1000", 10, 99],
    ["bytes=-10", 90, 99],
    ["bytes=-1000", 0, 99],
    ["bytes= 5 - 6", 5, 6],
  ])("reads %s", (header, start, end) => {
    expect(parseRange(header, 100)).toEqual({ start, end });
  });

  it.each(["bytes=100-", "bytes=100-200", "bytes=-0"])("cannot satisfy %s", (header) => {
    expect(parseRange(header, 100)).toBe("unsatisfiable");
  });

  it.each([
    undefined,
    "",
    "bytes=",
    "bytes=-",
    "bytes=9-5",
    "bytes=0-1,5-6",
    "lines=0-1",
    "bytes=a-b",
  ])("means everything by %s", (header) => expect(parseRange(header, 100)).toBeUndefined());

  it("cannot be satisfied by an empty file", () => {
    expect(parseRange("bytes=0-", 0)).toBe("unsatisfiable");
    expect(parseRange("bytes=-5", 0)).toBe("unsatisfiable");
  });
});

describe("an If-None-Match header", () => {
  it.each(['"a"', 'W/"a"', '"b", "a"', "*"])("%s names the entity a", (header) => {
    expect(matchesEtag(header, '"a"')).toBe(true);
  });

  it.each(['"b"', "a", "", undefined])("%s does not", (header) => {
    expect(matchesEtag(header, '"a"')).toBe(false);
  });

  it("names nothing where the entity has no tag", () => {
    expect(matchesEtag("*", null)).toBe(false);
  });
});
