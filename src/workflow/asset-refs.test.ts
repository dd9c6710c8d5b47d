import { describe, expect, it } from "vitest";

import type { JsonObject } from "../kernel/json.ts";
import { findAssetReferences } from "./asset-refs.ts";
import type { Workflow } from "./parse.ts";

function loading(classType: string, inputs: JsonObject): Workflow {
  return new Map([["10", { classType, inputs }]]);
}

const asset = {
  __type: "core/ASSET",
  info: { id: "an-id", hash: "blake3:00", file_path: "a.png" },
};

describe("finding the files that a workflow names", () => {
  it("finds a reference in place of a file name", () => {
    expect(findAssetReferences(loading("LoadImage", { image: asset }), null)).toEqual([
      {
        nodeId: "10",
        field: "image",
        path: ["10", "inputs", "image"],
        target: { kind: "id", assetId: "an-id" },
      },
    ]);
  });

  it("finds references in any class and at any depth", () => {
    const inputs = { batch: [{ of: [asset] }, asset], plain: [1, "x", null] };
    const found = findAssetReferences(loading("Custom", inputs), null);
    expect(found.map(({ path }) => path.join(".")).toSorted()).toEqual([
      "10.inputs.batch.0.of.0",
      "10.inputs.batch.1",
    ]);
  });

  it.each([null, {}, { id: 7 }, { id: "" }, "text", []])("reports malformed info %j", (info) => {
    const inputs = { image: { __type: "core/ASSET", info } };
    const [found] = findAssetReferences(loading("LoadImage", inputs), null);
    expect(found?.target.kind).toBe("malformed");
  });

  it.each([
    ["LoadImage", "image"],
    ["LoadImageMask", "image"],
    ["LoadAudio", "audio"],
    ["LoadVideo", "file"],
    ["LoadLatent", "latent"],
  ])("knows what %s loads before any worker has said so", (classType, field) => {
    const [found] = findAssetReferences(
      loading(classType, { [field]: "photo.png", other: "x" }),
      null,
    );
    expect(found).toMatchObject({ field, target: { kind: "path", filePath: "photo.png" } });
  });

  it("believes the catalogue over the well-known list", () => {
    const catalogue = {
      LoadImage: { isOutput: false, fileInputs: [] },
      Studio: { isOutput: false, fileInputs: ["clip"] },
    };
    expect(findAssetReferences(loading("LoadImage", { image: "a.png" }), catalogue)).toEqual([]);
    expect(findAssetReferences(loading("Studio", { clip: "a.mp4" }), catalogue)).toHaveLength(1);
  });

  it("takes the place off a name, and only the place of uploads", () => {
    const targets = ["photo.png [input]", "photo.png [output]"].map(
      (image) => findAssetReferences(loading("LoadImage", { image }), null)[0]?.target,
    );
    expect(targets).toEqual([
      { kind: "path", filePath: "photo.png" },
      { kind: "path", filePath: "photo.png [output]" },
    ]);
  });

  it("passes over linked inputs and other values", () => {
    const inputs = {
      image: ["4", 0],
      upload: "image",
      choice: { __type: "other", info: asset.info },
    };
    expect(findAssetReferences(loading("LoadImage", inputs), null)).toEqual([]);
  });

  it("looks through a list of a million values at once", () => {
    const inputs = { values: Array.from({ length: 1_000_000 }, (_, index) => index) };
    const startMs = performance.now();
    expect(findAssetReferences(loading("Custom", inputs), null)).toEqual([]);
    expect(performance.now() - startMs).toBeLessThan(3_000);
  });
});
