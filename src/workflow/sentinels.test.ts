import { expect, test } from "vitest";

import type { JsonObject, JsonValue } from "../kernel/json.ts";
import { parseNodeCatalogue } from "./node-class.ts";
import { comfyuiRepository, parsePackIndex } from "./pack-index.ts";
import { loadersOf, sentinelName } from "./sentinels.ts";

function classOf(required: JsonObject): JsonValue {
  return { input: { required }, output: [], output_name: [], python_module: "custom_nodes.x" };
}

test("learns from one read of the catalogue which folder any loader reads", () => {
  const dynamic = {
    options: [
      {
        key: "gguf",
        inputs: { required: { file: ["COMBO", { options: [sentinelName("unet_gguf")] }] } },
      },
    ],
  };
  const catalogue = parseNodeCatalogue({
    MyLoader: classOf({ file: [["a.bin", sentinelName("my_models")]], mode: [["fast"]] }),
    NewLoader: classOf({ file: ["COMBO", { options: [`sub/${sentinelName("loras")}`] }] }),
    Dynamic: classOf({ kind: ["COMFY_DYNAMICCOMBO_V3", dynamic] }),
    VAELoader: classOf({ vae_name: [[sentinelName("vae_approx"), sentinelName("vae")]] }),
  });
  const loaders = loadersOf(catalogue);
  expect(Object.fromEntries(loaders.get("MyLoader") ?? [])).toEqual({ file: "my_models" });
  expect(loaders.get("NewLoader")?.get("file")).toBe("loras");
  expect(loaders.get("Dynamic")?.get("kind.file")).toBe("unet_gguf");
  // What ComfyUI itself answers is known; its VAE loader lists two folders.
  expect(loaders.get("VAELoader")?.get("vae_name")).toBe("vae");
  expect(loadersOf(null).get("MyLoader")).toBeUndefined();
});

test("looks classes up in an index of packs, showing all that have one", () => {
  const index = parsePackIndex({
    "https://github.com/a/x": [["One", "Both", "KSampler"], { title_aux: "x" }],
    "https://github.com/b/y.git": [["Both"], { nodename_pattern: "^By " }],
    "https://github.com/c/z": [[], { nodename_pattern: "(a+)+$" }],
    [comfyuiRepository]: [["KSampler"], {}],
  });
  expect(index?.repositoriesOf("Both")).toEqual([
    "https://github.com/a/x",
    "https://github.com/b/y",
  ]);
  expect(index?.repositoriesOf("By me")).toEqual(["https://github.com/b/y"]);
  expect(index?.repositoriesOf("KSampler")).toEqual([comfyuiRepository]);
  // A pattern that is more than anchors and text is not run.
  expect(index?.repositoriesOf("a".repeat(40))).toEqual([]);
  expect(parsePackIndex({ x: 1 })).toBeUndefined();
});
