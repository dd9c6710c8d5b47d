import { NodeFault } from "../fault.ts";
import { combo, float, link, listCombo, output } from "./input-config.ts";
import type { InputTable } from "../../workflow/node-class.ts";
import type { NodeDefinition } from "./node.ts";

/** What every use of a model is answered with. */
const noModelsHint =
  "The built-in engine runs no models. Attach a real ComfyUI with --comfyui-dir or --comfyui-url.";

/**
 * A model loader: listed, so that clients and people see the class, but never run. Lists of model
 * files are empty, which is the truth.
 */
function loader(
  name: string,
  displayName: string,
  required: InputTable,
  outputTypes: readonly string[],
): NodeDefinition {
  return {
    name,
    displayName,
    category: "model/loaders",
    description: noModelsHint,
    pythonModule: "nodes",
    required,
    outputs: outputTypes.map((type) => output(type)),
    refusal: noModelsHint,
    run() {
      throw new NodeFault("RuntimeError", noModelsHint);
    },
  };
}

const strength = float(1, -100, 100, 0.01);

export const loaders: readonly NodeDefinition[] = [
  loader("CheckpointLoaderSimple", "Load Checkpoint", { ckpt_name: listCombo([]) }, [
    "MODEL",
    "CLIP",
    "VAE",
  ]),
  loader(
    "UNETLoader",
    "Load Diffusion Model",
    {
      unet_name: listCombo([]),
      weight_dtype: listCombo(["default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2"]),
    },
    ["MODEL"],
  ),
  loader("VAELoader", "Load VAE", { vae_name: listCombo([]) }, ["VAE"]),
  loader(
    "CLIPLoader",
    "Load CLIP",
    { clip_name: listCombo([]), type: listCombo(["stable_diffusion", "sd3", "wan", "flux2"]) },
    ["CLIP"],
  ),
  loader(
    "LoraLoader",
    "Load LoRA (Model and CLIP)",
    {
      model: link("MODEL"),
      clip: link("CLIP"),
      lora_name: listCombo([]),
      strength_model: strength,
      strength_clip: strength,
    },
    ["MODEL", "CLIP"],
  ),
  loader("ControlNetLoader", "Load ControlNet Model", { control_net_name: listCombo([]) }, [
    "CONTROL_NET",
  ]),
  loader("UpscaleModelLoader", "Load Upscale Model", { model_name: combo([]) }, ["UPSCALE_MODEL"]),
];

/** Classes that need a model, so that an unknown one of them is answered with the way out. */
const modelClasses: ReadonlySet<string> = new Set([
  "KSampler",
  "KSamplerAdvanced",
  "SamplerCustom",
  "SamplerCustomAdvanced",
  "KSamplerSelect",
  "BasicScheduler",
  "BasicGuider",
  "CFGGuider",
  "RandomNoise",
  "CLIPTextEncode",
  "CLIPTextEncodeSDXL",
  "CLIPTextEncodeFlux",
  "CLIPSetLastLayer",
  "CLIPVisionEncode",
  "CLIPVisionLoader",
  "ConditioningCombine",
  "ConditioningZeroOut",
  "FluxGuidance",
  "VAEDecode",
  "VAEDecodeTiled",
  "VAEEncode",
  "VAEEncodeForInpaint",
  "VAEEncodeTiled",
  "CheckpointLoader",
  "unCLIPCheckpointLoader",
  "ImageOnlyCheckpointLoader",
  "LoraLoaderModelOnly",
  "DualCLIPLoader",
  "TripleCLIPLoader",
  "QuadrupleCLIPLoader",
  "DiffControlNetLoader",
  "ControlNetApply",
  "ControlNetApplyAdvanced",
  "StyleModelLoader",
  "StyleModelApply",
  "GLIGENLoader",
  "HypernetworkLoader",
  "ImageUpscaleWithModel",
  "ModelSamplingFlux",
  "ModelSamplingSD3",
  "ModelSamplingDiscrete",
  "InpaintModelConditioning",
]);

/** The way out, for a class that is not here because it needs a model. */
export function modelHint(className: string): string | undefined {
  return modelClasses.has(className) ? noModelsHint : undefined;
}
