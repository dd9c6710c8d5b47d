/** Which folder an input's files come from, by class and input. */
export type LoaderTable = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Folder, then the classes and inputs of ComfyUI's own nodes that read it. */
const core: Readonly<Record<string, readonly string[]>> = {
  checkpoints: [
    "CheckpointLoaderSimple.ckpt_name",
    "CheckpointLoader.ckpt_name",
    "unCLIPCheckpointLoader.ckpt_name",
    "ImageOnlyCheckpointLoader.ckpt_name",
    "CreateHookModelAsLora.ckpt_name",
    "CreateHookModelAsLoraModelOnly.ckpt_name",
    "LTXVAudioVAELoader.ckpt_name",
    "LTXAVTextEncoderLoader.ckpt_name",
  ],
  configs: ["CheckpointLoader.config_name"],
  diffusion_models: ["UNETLoader.unet_name"],
  loras: [
    "LoraLoader.lora_name",
    "LoraLoaderModelOnly.lora_name",
    "LoraLoaderBypass.lora_name",
    "LoraLoaderBypassModelOnly.lora_name",
    "CreateHookLora.lora_name",
    "CreateHookLoraModelOnly.lora_name",
    "TrainLoraNode.existing_lora",
  ],
  vae: ["VAELoader.vae_name"],
  text_encoders: [
    "CLIPLoader.clip_name",
    "DualCLIPLoader.clip_name1",
    "DualCLIPLoader.clip_name2",
    "TripleCLIPLoader.clip_name1",
    "TripleCLIPLoader.clip_name2",
    "TripleCLIPLoader.clip_name3",
    "QuadrupleCLIPLoader.clip_name1",
    "QuadrupleCLIPLoader.clip_name2",
    "QuadrupleCLIPLoader.clip_name3",
    "QuadrupleCLIPLoader.clip_name4",
    "LTXAVTextEncoderLoader.text_encoder",
  ],
  clip_vision: ["CLIPVisionLoader.clip_name"],
  controlnet: ["ControlNetLoader.control_net_name", "DiffControlNetLoader.control_net_name"],
  style_models: ["StyleModelLoader.style_model_name"],
  gligen: ["GLIGENLoader.gligen_name"],
  upscale_models: ["UpscaleModelLoader.model_name"],
  latent_upscale_models: ["LatentUpscaleModelLoader.model_name"],
  hypernetworks: ["HypernetworkLoader.hypernetwork_name"],
  photomaker: ["PhotoMakerLoader.photomaker_model_name"],
  model_patches: ["ModelPatchLoader.name"],
  audio_encoders: ["AudioEncoderLoader.audio_encoder_name"],
  background_removal: ["LoadBackgroundRemovalModel.bg_removal_name"],
  geometry_estimation: ["LoadDA3Model.model_name", "LoadMoGeModel.model_name"],
  frame_interpolation: ["FrameInterpolationModelLoader.model_name"],
  optical_flow: ["OpticalFlowLoader.model_name"],
  detection: ["LoadMediaPipeFaceLandmarker.model_name"],
  diffusers: ["DiffusersLoader.model_path"],
};

/** Names that loaders offer but no file stands behind. */
export const builtInModels: ReadonlySet<string> = new Set([
  "taesd",
  "taesdxl",
  "taesd3",
  "taef1",
  "taef2",
  "pixel_space",
  "None",
  "none",
  "[None]",
  "",
]);

/** The loaders of ComfyUI itself. */
export const coreLoaders: LoaderTable = loaderTableOf(
  Object.entries(core).flatMap(([folder, places]) =>
    places.map((place) => [...splitPlace(place), folder] as const),
  ),
);

function splitPlace(place: string): readonly [classType: string, input: string] {
  const at = place.indexOf(".");
  return [place.slice(0, at), place.slice(at + 1)];
}

function loaderTableOf(
  rows: Iterable<readonly [classType: string, input: string, folder: string]>,
): LoaderTable {
  const table = new Map<string, Map<string, string>>();
  for (const [classType, input, folder] of rows) {
    const inputs = table.get(classType) ?? new Map<string, string>();
    inputs.set(input, folder);
    table.set(classType, inputs);
  }
  return table;
}

const modelSuffix = /\.(?:safetensors|sft|ckpt|pt2?|pth|bin|gguf|onnx|pkl)$/iu;

/** Whether a value ends like the name of a model file. */
export function looksLikeModelFile(value: string): boolean {
  return modelSuffix.test(value);
}
