/** What a worker image is built with besides the lock. */
export interface ImageOptions {
  /** The runtime image: drivers come from the host, so it holds little more than a loader. */
  readonly baseImage: string;
  readonly python: string;
  /** The Node that runs the agent. */
  readonly nodeImage: string;
  /** Where pip finds torch for the CUDA of the base; null takes the default index. */
  readonly torchIndexUrl: string | null;
  /** Requirements of torch and its kin, in a layer of their own: they are most of the bytes. */
  readonly torch: readonly string[];
  /** Whether the weights are part of the image; by default the worker fetches them. */
  readonly isBaked: boolean;
}

/** A CUDA that every GPU of the catalogue can run, from Turing to Blackwell. */
export const defaultImageOptions: ImageOptions = {
  baseImage: "nvidia/cuda:12.8.1-base-ubuntu24.04",
  python: "3.12",
  nodeImage: "node:24-bookworm-slim",
  torchIndexUrl: "https://download.pytorch.org/whl/cu128",
  torch: ["torch", "torchvision", "torchaudio"],
  isBaked: false,
};

/** Where things lie in the image. */
export const imagePaths = {
  comfyui: "/opt/comfyui",
  environment: "/opt/venv",
  hearth: "/opt/hearth",
  work: "/var/lib/hearth",
} as const;

/** The unprivileged user that everything runs as. */
export const imageUserId = 10_001;
