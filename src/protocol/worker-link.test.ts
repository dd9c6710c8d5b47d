import { describe, expect, test } from "vitest";

import { modelFileSchema } from "./worker-link.ts";

const file = { sha256: null, bytes: null, sources: ["https://models.example.com/a"] };

describe("a model file on the worker link", () => {
  test.each([
    ["checkpoints", "sdxl.safetensors"],
    ["text_encoders", "flux/clip l (fp8).v2.safetensors"],
    ["loras", "中文/ink.safetensors"],
  ])("may be %s/%s", (folder, filename) => {
    expect(modelFileSchema.safeParse({ ...file, folder, filename }).success).toBe(true);
  });

  test.each([
    "../a.safetensors",
    "a/../../b.safetensors",
    "/etc/passwd",
    "a//b.safetensors",
    "./a.safetensors",
    "..\\a.safetensors",
    "C:\\a.safetensors",
    "C:a.safetensors",
    "a\0.safetensors",
    "a\n.safetensors",
    "a.safetensors.",
    "",
  ])("never has the name %j", (filename) => {
    const parsed = modelFileSchema.safeParse({ ...file, folder: "loras", filename });
    expect(parsed.error?.issues[0]?.path).toEqual(["filename"]);
  });

  test.each(["..", ".", "a/b", "/", "a\\b", "C:", "a\0", ""])(
    "is never in the folder %j",
    (folder) => {
      const parsed = modelFileSchema.safeParse({ ...file, folder, filename: "a.safetensors" });
      expect(parsed.error?.issues[0]?.path).toEqual(["folder"]);
    },
  );
});
