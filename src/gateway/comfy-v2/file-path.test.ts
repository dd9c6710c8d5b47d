import { describe, expect, it } from "vitest";

import { contentTypeOf } from "./content-type.ts";
import { requireFilePath } from "./file-path.ts";

describe("a file's label", () => {
  it.each([
    "photo.png",
    "a folder/b (1).png",
    "CON",
    "..png",
    "%2e%2e/x",
    "photo.png [output]",
    "日本語.png",
  ])("may be %j", (path) => expect(requireFilePath(path)).toBe(path));

  it("is one for two spellings that look alike", () => {
    expect(requireFilePath("e\u0301.png")).toBe("\u00e9.png");
  });

  it.each([
    "",
    "../x",
    "a/../x",
    "..\\x",
    "a\\b",
    "/etc/passwd",
    "C:\\x",
    "c:/x",
    "a//b",
    "a/",
    "./a",
    ".",
    "a\0b",
    "a\nb",
    "photo\u202egnp.exe",
    "zero\u200bwidth",
    "\ud83d.png",
    "x".repeat(501),
  ])("must not be %j", (path) => {
    expect(() => requireFilePath(path)).toThrow(
      expect.objectContaining({
        code: "invalid_request",
        details: expect.objectContaining({ field: "file_path" }),
      }),
    );
  });

  it("suggests what the file holds", () => {
    expect(contentTypeOf("a/b.PNG")).toBe("image/png");
    expect(contentTypeOf("x.constructor")).toBe("application/octet-stream");
    expect(contentTypeOf("page.html")).toBe("application/octet-stream");
    expect(contentTypeOf(null)).toBe("application/octet-stream");
  });
});
