import { expect, test } from "vitest";

import { declaredModels, declaredPacks } from "./declared.ts";
import { parseUiDocument, type UiDocument } from "./document.ts";

const hash = "AB".repeat(32);

function documentWith(properties: Record<string, unknown>, more: object = {}): UiDocument {
  const document = {
    nodes: [{ id: 1, type: "Outer", properties: { cnr_id: "comfy-core", ver: "0.3.1" } }],
    links: [],
    definitions: {
      subgraphs: [{ id: "s", nodes: [{ id: 2, type: "Inner", properties }], links: [] }],
    },
    ...more,
  };
  const parsed = parseUiDocument(JSON.parse(JSON.stringify(document)), { maxNodes: 10 });
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

test("reads models off nodes, also in subgraphs, and merges what several places know", () => {
  const models = [
    { name: "a.safetensors", directory: "unet", url: "https://x/a", hash, hash_type: "SHA256" },
    { name: "a.safetensors", directory: "diffusion_models", url: "https://y/a" },
    { name: "b.safetensors", directory: "vae", url: "file:///etc/passwd", hash: "short" },
    { name: 7, directory: "vae" },
    "nonsense",
  ];
  const top = { models: [{ name: "b.safetensors", directory: "vae", url: "https://x/b" }] };
  expect(declaredModels(documentWith({ models }, top))).toEqual([
    {
      folder: "vae",
      filename: "b.safetensors",
      sha256: null,
      bytes: null,
      sources: ["https://x/b"],
    },
    {
      folder: "diffusion_models",
      filename: "a.safetensors",
      sha256: hash.toLowerCase(),
      bytes: null,
      sources: ["https://x/a", "https://y/a"],
    },
  ]);
});

test("reads who brings a class: an id of the registry, or a repository", () => {
  const packs = declaredPacks(documentWith({ aux_id: "me/pack", ver: "abc" }));
  expect(packs.get("Outer")).toEqual({ id: "comfy-core", repository: null, version: "0.3.1" });
  expect(packs.get("Inner")).toEqual({
    id: null,
    repository: "https://github.com/me/pack",
    version: "abc",
  });
  expect(declaredPacks(documentWith({ aux_id: "../x" })).get("Inner")).toBeUndefined();
});
