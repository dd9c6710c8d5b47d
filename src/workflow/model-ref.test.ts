import { describe, expect, it } from "vitest";

import { modelFolder, modelKey, modelSetId, type ModelFile } from "./model-ref.ts";

describe("a model's name", () => {
  it("is its folder and its file", () => {
    const file: ModelFile = {
      folder: "loras",
      filename: "style/ink.safetensors",
      sha256: null,
      bytes: null,
      sources: [],
    };
    expect(modelKey(file)).toBe("loras/style/ink.safetensors");
  });

  it("has the present name of a folder", () => {
    expect(["unet", "clip", "vae"].map(modelFolder)).toEqual([
      "diffusion_models",
      "text_encoders",
      "vae",
    ]);
  });
});

describe("a set of models", () => {
  it("has one id in any order and however often a model is named", () => {
    expect(modelSetId(["b", "a", "b"])).toBe(modelSetId(["a", "b"]));
    expect(modelSetId(["a", "b"])).not.toBe(modelSetId(["a,b"]));
  });

  it("is empty text without models", () => {
    expect(modelSetId([])).toBe("");
  });
});
