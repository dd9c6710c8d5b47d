import { describe, expect, it } from "vitest";

import { headGraph } from "./head-graph.ts";
import { parseWorkflow, type Workflow } from "./parse.ts";

function workflowOf(nodes: Readonly<Record<string, readonly [string, object]>>): Workflow {
  const entries = Object.entries(nodes).map(([id, [name, inputs]]) => [
    id,
    { class_type: name, inputs },
  ]);
  const parsed = parseWorkflow(JSON.parse(JSON.stringify(Object.fromEntries(entries))), {
    maxNodes: 100,
  });
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

const picture = workflowOf({
  "1": ["UNETLoader", { unet_name: "u" }],
  "2": ["CLIPLoader", { clip_name: "c" }],
  "3": ["VAELoader", { vae_name: "v" }],
  "4": ["CLIPTextEncode", { clip: ["2", 0], text: "sea" }],
  "5": ["CLIPTextEncode", { clip: ["2", 0], text: "" }],
  "6": ["EmptyLatentImage", { width: 64 }],
  "7": ["KSampler", { model: ["1", 0], positive: ["4", 0], negative: ["5", 0], latent: ["6", 0] }],
  "8": ["VAEDecode", { samples: ["7", 0], vae: ["3", 0] }],
  "9": ["SaveImage", { images: ["8", 0] }],
});

const head = (loading: readonly string[], waiting: readonly string[], workflow = picture) =>
  headGraph(workflow, {
    loading: new Set(loading),
    waiting: new Set(waiting),
    isOutput: (name) => name.startsWith("Save"),
    sinkClass: "PreviewAny",
    sinkInput: "source",
  });
const sinksOf = (prompt: object) =>
  Object.entries(prompt)
    .filter(([id]) => id.startsWith("hearth-head-"))
    .map(([, node]) => (node as { inputs: { source: unknown } }).inputs.source);

describe("the part of a workflow that can begin", () => {
  it("is the prompts while the weights are on their way", () => {
    const found = head(["2"], ["1", "3"]);
    expect([...(found?.nodes ?? [])].sort()).toEqual(["2", "4", "5"]);
    expect(sinksOf(found?.prompt ?? {})).toEqual([
      ["4", 0],
      ["5", 0],
    ]);
  });

  it("is all but decoding and saving while the decoder is on its way", () => {
    const found = head(["1", "2"], ["3"]);
    expect([...(found?.nodes ?? [])].sort()).toEqual(["1", "2", "4", "5", "6", "7"]);
    expect(sinksOf(found?.prompt ?? {})).toEqual([["7", 0]]);
    expect(found?.prompt["7"]).toEqual({
      class_type: "KSampler",
      inputs: { model: ["1", 0], positive: ["4", 0], negative: ["5", 0], latent: ["6", 0] },
    });
  });

  it("may be a model alone, which is loaded then", () => {
    const found = head(["3"], ["1", "2"]);
    expect(sinksOf(found?.prompt ?? {})).toEqual([["3", 0]]);
  });

  it("is nothing where only nodes without models are ready", () => {
    expect(head([], ["1", "2", "3"])).toBeUndefined();
  });

  it("never holds an output", () => {
    const two = workflowOf({
      "1": ["A", { name: "a" }],
      "2": ["SaveImage", { images: ["1", 0] }],
      "3": ["B", { name: "b", image: ["1", 1] }],
      "4": ["SaveImage", { images: ["3", 0] }],
    });
    const found = head(["1"], ["3"], two);
    expect([...(found?.nodes ?? [])]).toEqual(["1"]);
    expect(sinksOf(found?.prompt ?? {})).toEqual([
      ["1", 0],
      ["1", 1],
    ]);
  });
});
