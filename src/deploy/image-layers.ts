import {
  packName,
  type LockedModel,
  type LockedPack,
  type ReleaseLock,
} from "../models/release-lock.ts";
import { comfyuiFlags } from "./comfyui-flags.ts";
import { imagePaths, imageUserId, type ImageOptions } from "./image-options.ts";
import { downloadUrl } from "./model-url.ts";

/** One step of a Dockerfile. */
export interface ImageLayer {
  readonly stage: "wheels" | "final";
  readonly title: string;
  /** What makes it be built again; steps that change rarely come first. */
  readonly changesWith: string;
  /** On disk, by rule of thumb where it is not known; null for steps that add nothing. */
  readonly estimatedBytes: number | null;
  readonly instructions: readonly string[];
}

const mib = 1024 ** 2;
/** As installed, read off images of 2026; a rule of thumb that the platform limits are held to. */
const thumb = {
  base: 260 * mib,
  python: 90 * mib,
  node: 125 * mib,
  torchCuda: 6_400 * mib,
  comfyuiRequirements: 1_300 * mib,
  comfyui: 60 * mib,
  pack: 30 * mib,
  packRequirements: 120 * mib,
  requirement: 40 * mib,
} as const;

const cached = "--mount=type=cache,target=/root/.cache/pip";
const pip = `${imagePaths.environment}/bin/pip install`;

/** The layers of a worker image in the order of how seldom they change. Pure. */
export function planLayers(
  lock: ReleaseLock,
  options: ImageOptions,
  agentBytes: number,
): readonly ImageLayer[] {
  return [
    sources(lock, options),
    system(options),
    torch(options),
    ...(options.isBaked ? lock.models.filter(isBakeable).toSorted(largestFirst).map(model) : []),
    comfyui(lock),
    ...(lock.pip.length > 0 ? [ownRequirements(lock.pip)] : []),
    ...(lock.packs.length > 0 ? [packs(lock.packs)] : []),
    agent(agentBytes),
    start(lock),
  ];
}

/** Whether the image can hold a model so that the builder verifies it. */
export function isBakeable(each: LockedModel): boolean {
  return each.sha256 !== null && each.sources.some(isPlain);
}

/** A builder would take `$` for a variable of its own. */
function isPlain(source: string): boolean {
  return downloadUrl(source)?.includes("$") === false;
}

/** Git and compilers stay in a stage of their own; the image gets files and wheels. */
function sources(lock: ReleaseLock, { baseImage, python }: ImageOptions): ImageLayer {
  const fetches = [
    checkout(lock.comfyui.repository, lock.comfyui.commit, "/src/comfyui"),
    ...lock.packs.map((pack) => packSource(pack)),
  ];
  return {
    stage: "wheels",
    title: "sources at their commits, and wheels of what has to be compiled",
    changesWith: "the lock",
    estimatedBytes: null,
    instructions: [
      `FROM ${baseImage} AS wheels`,
      `RUN apt-get update && apt-get install -y --no-install-recommends build-essential ca-certificates curl git python${python} python${python}-dev python${python}-venv unzip && rm -rf /var/lib/apt/lists/*`,
      "COPY fetch-source.sh /usr/local/bin/fetch-source",
      ...fetches,
      `RUN ${cached} python${python} -m venv /build && for file in /src/packs/*/requirements.txt; do if [ -f "$file" ]; then /build/bin/pip wheel --no-deps --wheel-dir /wheels -r "$file"; fi; done; mkdir -p /wheels /src/packs`,
    ],
  };
}

function checkout(repository: string, commit: string | null, folder: string): string {
  return `RUN fetch-source git ${quoted(repository)} ${commit ?? "HEAD"} ${quoted(folder)}`;
}

function packSource(pack: LockedPack): string {
  const folder = `/src/packs/${folderOf(pack)}`;
  if (pack.repository !== null) return checkout(pack.repository, pack.commit, folder);
  const known = [pack.id ?? "", pack.version ?? "", pack.sha256 ?? "-", folder];
  return `RUN fetch-source registry ${known.map(quoted).join(" ")}`;
}

/** A name that git hosts and file systems agree on. */
function folderOf(pack: LockedPack): string {
  return packName(pack).replaceAll(/[^\w.-]+/gu, "-");
}

function system({ baseImage, python, nodeImage }: ImageOptions): ImageLayer {
  return {
    stage: "final",
    title: "the system, Python and Node",
    changesWith: "base image and Python version",
    estimatedBytes: thumb.base + thumb.python + thumb.node,
    instructions: [
      `FROM ${nodeImage} AS node`,
      "COPY agent /agent",
      "RUN npm install --prefix /agent --omit=dev --no-audit --no-fund",
      `FROM ${baseImage} AS final`,
      `RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates ffmpeg libgl1 libglib2.0-0 python${python} python${python}-venv && rm -rf /var/lib/apt/lists/* && python${python} -m venv ${imagePaths.environment} && useradd --uid ${imageUserId} --create-home hearth && install -d -o hearth -g hearth ${imagePaths.work}`,
      "COPY --from=node /usr/local/bin/node /usr/local/bin/node",
    ],
  };
}

function torch({ torch, torchIndexUrl }: ImageOptions): ImageLayer {
  const index = torchIndexUrl === null ? "" : ` --index-url ${torchIndexUrl}`;
  return {
    stage: "final",
    title: "torch",
    changesWith: "torch's version",
    estimatedBytes: thumb.torchCuda,
    instructions: [`RUN ${cached} ${pip}${index} ${torch.map(quoted).join(" ")}`],
  };
}

function model(each: LockedModel): ImageLayer {
  const source = each.sources.find(isPlain) ?? "";
  const url = downloadUrl(source) ?? "";
  const place = `${imagePaths.comfyui}/models/${each.folder}/${each.filename}`;
  return {
    stage: "final",
    title: `${each.folder}/${each.filename}`,
    changesWith: "the model's hash",
    estimatedBytes: each.bytes,
    instructions: [
      `ADD --checksum=sha256:${each.sha256 ?? ""} --chown=${imageUserId}:${imageUserId} ${JSON.stringify([url, place])}`,
    ],
  };
}

function comfyui(lock: ReleaseLock): ImageLayer {
  const { comfyui: place } = imagePaths;
  return {
    stage: "final",
    title: `ComfyUI ${lock.comfyui.version ?? lock.comfyui.commit?.slice(0, 12) ?? ""}`.trim(),
    changesWith: "ComfyUI's version",
    estimatedBytes: thumb.comfyui + thumb.comfyuiRequirements,
    instructions: [
      `COPY --from=wheels --chown=${imageUserId}:${imageUserId} /src/comfyui ${place}`,
      `RUN ${cached} ${pip} -r ${place}/requirements.txt`,
    ],
  };
}

function ownRequirements(pipRequirements: readonly string[]): ImageLayer {
  return {
    stage: "final",
    title: "further Python packages",
    changesWith: "the lock's pip list",
    estimatedBytes: pipRequirements.length * thumb.requirement,
    instructions: [`RUN ${cached} ${pip} ${pipRequirements.map(quoted).join(" ")}`],
  };
}

function packs(list: readonly LockedPack[]): ImageLayer {
  const place = `${imagePaths.comfyui}/custom_nodes`;
  return {
    stage: "final",
    title: `${list.length} node pack${list.length === 1 ? "" : "s"}`,
    changesWith: "any pack's commit",
    estimatedBytes: list.length * (thumb.pack + thumb.packRequirements),
    instructions: [
      `COPY --from=wheels --chown=${imageUserId}:${imageUserId} /src/packs ${place}`,
      `RUN ${cached} --mount=type=bind,from=wheels,source=/wheels,target=/wheels for file in ${place}/*/requirements.txt; do if [ -f "$file" ]; then ${pip} --find-links /wheels -r "$file"; fi; done`,
    ],
  };
}

function agent(agentBytes: number): ImageLayer {
  return {
    stage: "final",
    title: "the agent",
    changesWith: "Hearth's version",
    estimatedBytes: agentBytes,
    instructions: [
      `COPY --from=node /agent ${imagePaths.hearth}`,
      `COPY hearth.lock ${imagePaths.hearth}/hearth.lock`,
    ],
  };
}

function start(lock: ReleaseLock): ImageLayer {
  const flags = comfyuiFlags(lock).map((flag) => `--comfyui-arg=${flag}`);
  const command = ["node", `${imagePaths.hearth}/bin/worker.mjs`, "worker"];
  const place = ["--comfyui-dir", imagePaths.comfyui, "--folder", imagePaths.work];
  const { environment } = imagePaths;
  return {
    stage: "final",
    title: "how it starts",
    changesWith: "the release's arguments",
    estimatedBytes: null,
    instructions: [
      `ENV PATH=${environment}/bin:$PATH VIRTUAL_ENV=${environment} PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 NODE_ENV=production`,
      `USER ${imageUserId}:${imageUserId}`,
      `WORKDIR ${imagePaths.work}`,
      "STOPSIGNAL SIGTERM",
      `ENTRYPOINT ${JSON.stringify([...command, ...place, ...flags])}`,
    ],
  };
}

/** For a shell: requirements may hold `<`, `>` and `;`. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}

function largestFirst(left: LockedModel, right: LockedModel): number {
  return (right.bytes ?? 0) - (left.bytes ?? 0);
}
