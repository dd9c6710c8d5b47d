import { expect, test } from "vitest";

import type { JsonObject, JsonValue } from "../kernel/json.ts";
import { modelKey, modelSetId } from "./model-ref.ts";
import { parseNodeCatalogue } from "./node-class.ts";
import { parsePackIndex } from "./pack-index.ts";
import { parseWorkflow, type Workflow } from "./parse.ts";
import { requirementsOf } from "./requirements.ts";
import { sizeClassOf } from "./size-class.ts";
import { estimateVram } from "./vram.ts";

function read(value: JsonValue): Workflow {
  const parsed = parseWorkflow(value, { maxNodes: 1000 });
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

function node(class_type: string, inputs: JsonObject): JsonObject {
  return { class_type, inputs };
}

const sdxl = {
  "4": node("CheckpointLoaderSimple", { ckpt_name: "SDXL\\base.safetensors" }),
  "5": node("EmptyLatentImage", { width: ["20", 0], height: 1024, batch_size: 2 }),
  "6": node("CLIPTextEncode", { text: "a cat, embedding:nice.pt", clip: ["10", 1] }),
  "3": node("KSampler", {
    seed: 5,
    steps: 20,
    model: ["10", 0],
    positive: ["6", 0],
    latent_image: ["5", 0],
  }),
  "8": node("VAEDecode", { samples: ["3", 0], vae: ["11", 0] }),
  "9": node("SaveImage", { filename_prefix: "x", images: ["8", 0] }),
  "10": node("LoraLoader", { lora_name: "ink.safetensors", model: ["4", 0], clip: ["4", 1] }),
  "11": node("VAELoader", { vae_name: "taesdxl" }),
  "20": node("PrimitiveInt", { value: 1024 }),
};

test("lists the models of a workflow by folder, in the order in which a run reaches them", () => {
  const { models, modelSet } = requirementsOf(read(sdxl), null);
  expect(models.map(modelKey)).toEqual([
    "checkpoints/SDXL/base.safetensors",
    "loras/ink.safetensors",
    "embeddings/nice.pt",
  ]);
  expect(models[0]?.places).toEqual([
    { nodeId: "4", classType: "CheckpointLoaderSimple", input: "ckpt_name" },
  ]);
  expect(modelSet).toBe(modelSetId(models.map(modelKey).toReversed()));
});

test("gives no models the empty set, and the same set one id however it is listed", () => {
  expect(modelSetId([])).toBe("");
  expect(modelSetId(["b", "a", "a"])).toBe(modelSetId(["a", "b"]));
  expect(modelSetId(["a", "b"])).not.toBe(modelSetId(["a\nb"]));
});

test("takes the picture size through nodes that only hold a number", () => {
  const { size, sizeClass } = requirementsOf(read(sdxl), null);
  expect(size).toEqual({ widthPx: 1024, heightPx: 1024, frames: 2 });
  expect(sizeClass).toBe(6);
  expect(sizeClassOf({ widthPx: 512, heightPx: 512, frames: 1 })).toBe(3);
  expect(sizeClassOf(undefined)).toBe(0);
});

test("reserves nothing without models, and says when a weight is unknown", () => {
  const blend = read({ "1": node("EmptyImage", { width: 64, height: 64 }) });
  expect(requirementsOf(blend, null).vram.reserveBytes).toBe(0);
  expect(requirementsOf(read(sdxl), null).vram).toMatchObject({
    weightsBytes: null,
    reserveBytes: null,
    basis: "unknown",
  });
});

test("estimates memory from weights and size, and lets a peak that was seen replace it", () => {
  const size = { widthPx: 1024, heightPx: 1024, frames: 1 };
  const computed = estimateVram({ modelBytes: [6_900_000_000], size });
  expect(computed.reserveBytes).toBeGreaterThan(6_900_000_000 + 2 ** 32);
  expect(computed.basis).toBe("computed");
  const seen = estimateVram({ modelBytes: [null], size, observedPeakBytes: 1e9 });
  expect(seen).toMatchObject({ reserveBytes: 1_100_000_000, basis: "observed" });
});

test("shows a file of an unknown loader with the folders it has been seen in, and guesses none", () => {
  const unknown = read({ "1": node("MyLoader", { model: "x.safetensors", mode: "fast" }) });
  const file = { filename: "x.safetensors", sha256: null, bytes: 7, sources: [] };
  const files = [
    { ...file, folder: "loras" },
    { ...file, folder: "vae" },
  ];
  expect(requirementsOf(unknown, null, { files })).toMatchObject({
    models: [],
    unplacedModels: [{ nodeId: "1", filename: "x.safetensors", folders: ["loras", "vae"] }],
  });
});

test("names who brings a class: installed, named by the workflow, or several of an index", () => {
  const catalogue = parseNodeCatalogue({
    KSampler: classOf("nodes"),
    Installed: classOf("custom_nodes.my-pack"),
  });
  const workflow = read({
    "1": node("KSampler", {}),
    "2": node("Installed", {}),
    "3": node("Named", {}),
    "4": node("Ambiguous", {}),
    "5": node("Nobody", {}),
  });
  const index = parsePackIndex({
    "https://github.com/a/x": [["Ambiguous"], {}],
    "https://github.com/b/y.git": [["Ambiguous"], { nodename_pattern: "^By" }],
  });
  if (index === undefined) throw new Error("not an index");
  const { packs } = requirementsOf(workflow, catalogue, {
    packIndex: index,
    namedPacks: new Map([["Named", { id: "my-named", repository: null, version: "1.2.0" }]]),
  });
  expect(
    packs.map(({ classType, basis, candidates }) => [classType, basis, candidates.length]),
  ).toEqual([
    ["Installed", "installed", 1],
    ["Named", "named", 1],
    ["Ambiguous", "indexed", 2],
    ["Nobody", "unknown", 0],
  ]);
});

test("tells inputs a caller may set by what they are for, and the outputs", () => {
  const { inputs, outputs } = requirementsOf(read(sdxl), null);
  const kinds = Object.fromEntries(
    inputs.map(({ nodeId, input, kind }) => [`${nodeId}.${input}`, kind]),
  );
  expect(kinds).toMatchObject({
    "3.seed": "seed",
    "6.text": "text",
    "5.height": "size",
    "3.steps": "setting",
  });
  expect(outputs).toEqual([{ nodeId: "9", classType: "SaveImage" }]);
});

function classOf(python_module: string): JsonObject {
  return {
    input: { required: {} },
    output: [],
    output_name: [],
    python_module,
    output_node: false,
  };
}

test("knows ComfyUI's own classes without a catalogue, and not those of packs", () => {
  const workflow = read({ "1": node("KSampler", {}), "2": node("SomebodysNode", {}) });
  const { packs } = requirementsOf(workflow, null);
  expect(packs.map(({ classType }) => classType)).toEqual(["SomebodysNode"]);
});
