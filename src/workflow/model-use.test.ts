import { describe, expect, it } from "vitest";

import type { JsonObject } from "../kernel/json.ts";
import { modelKey } from "./model-ref.ts";
import { modelUses, modelsInOrder } from "./model-use.ts";
import { parseWorkflow, type Workflow } from "./parse.ts";

const model = (folder: string, filename: string) => ({ folder, filename });
const unet = model("diffusion_models", "flux/dev.safetensors");
const clip = model("text_encoders", "t5.safetensors");
const vae = model("vae", "ae.safetensors");
const style = model("embeddings", "calm.safetensors");

function workflowOf(nodes: JsonObject): Workflow {
  const parsed = parseWorkflow(nodes, { maxNodes: 100 });
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

const picture = workflowOf({
  "9": { class_type: "SaveImage", inputs: { images: ["8", 0] } },
  "8": { class_type: "VAEDecode", inputs: { samples: ["3", 0], vae: ["5", 0] } },
  "5": { class_type: "VAELoader", inputs: { vae_name: "ae.safetensors" } },
  "3": { class_type: "KSampler", inputs: { positive: ["6", 0], model: ["1", 0] } },
  "6": {
    class_type: "CLIPTextEncode",
    inputs: { clip: ["2", 0], text: "(embedding:calm:1.2), sea" },
  },
  "2": { class_type: "CLIPLoader", inputs: { clip_name: "t5.safetensors" } },
  "1": { class_type: "UNETLoader", inputs: { unet_name: "flux\\dev.safetensors" } },
});

describe("the models that a workflow names", () => {
  it("come in the order in which a run first reaches them", () => {
    const uses = modelUses(picture, [vae, unet, style, clip]);
    expect(uses.map(({ nodeId, model }) => [nodeId, modelKey(model)])).toEqual([
      ["2", "text_encoders/t5.safetensors"],
      ["6", "embeddings/calm.safetensors"],
      ["1", "diffusion_models/flux/dev.safetensors"],
      ["5", "vae/ae.safetensors"],
    ]);
  });

  it("include every folder that has a file of the name", () => {
    const twin = model("checkpoints", "ae.safetensors");
    expect(modelUses(picture, [twin, vae]).map(({ model }) => model)).toEqual([twin, vae]);
  });

  it("come once each, however many nodes name them", () => {
    const loader = { class_type: "VAELoader", inputs: { vae_name: "ae.safetensors" } };
    const uses = modelUses(workflowOf({ "1": loader, "2": loader }), [vae]);
    expect(uses).toHaveLength(2);
    expect(modelsInOrder(uses)).toEqual([vae]);
  });
});
