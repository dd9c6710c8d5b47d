import { packName, type LockedPack, type ReleaseLock } from "../models/release-lock.ts";
import type { ImageOptions } from "./image-options.ts";

interface Component {
  readonly type: "application" | "library" | "container" | "machine-learning-model";
  readonly "bom-ref": string;
  readonly name: string;
  readonly version?: string;
  readonly purl?: string;
  readonly hashes?: readonly { readonly alg: "SHA-256"; readonly content: string }[];
  readonly externalReferences?: readonly { readonly type: string; readonly url: string }[];
}

/** A bill of materials in CycloneDX 1.6: what the lock says that the image consists of. */
export function buildSbom(
  lock: ReleaseLock,
  options: ImageOptions,
  serial: { readonly uuid: string; readonly timestamp: string; readonly hearthVersion: string },
): object {
  const components: readonly Component[] = [
    { type: "container", "bom-ref": "base", name: options.baseImage },
    {
      type: "application",
      "bom-ref": "comfyui",
      name: "ComfyUI",
      ...version(lock.comfyui.commit ?? lock.comfyui.version),
      externalReferences: [{ type: "vcs", url: lock.comfyui.repository }],
    },
    ...lock.packs.map(packComponent),
    ...[...options.torch, ...lock.pip].map(requirementComponent),
    ...(options.isBaked ? lock.models.map(modelComponent) : []),
  ];
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${serial.uuid}`,
    version: 1,
    metadata: {
      timestamp: serial.timestamp,
      tools: {
        components: [{ type: "application", name: "hearth", version: serial.hearthVersion }],
      },
      component: { type: "container", "bom-ref": "image", name: lock.name },
    },
    components,
    dependencies: [{ ref: "image", dependsOn: components.map((each) => each["bom-ref"]) }],
  };
}

function packComponent(pack: LockedPack): Component {
  const { commit, repository, sha256 } = pack;
  return {
    type: "library",
    "bom-ref": `pack:${packName(pack)}`,
    name: packName(pack),
    ...version(commit ?? pack.version),
    ...(sha256 !== null && { hashes: [{ alg: "SHA-256", content: sha256 }] }),
    ...(repository !== null && { externalReferences: [{ type: "vcs", url: repository }] }),
  };
}

function requirementComponent(requirement: string): Component {
  const [, name = requirement, pinned] =
    /^([\w.-]+)\s*(?:==\s*([\w.+!-]+))?/u.exec(requirement) ?? [];
  const at = pinned === undefined ? "" : `@${encodeURIComponent(pinned)}`;
  return {
    type: "library",
    "bom-ref": `pip:${requirement}`,
    name,
    ...version(pinned),
    purl: `pkg:pypi/${name.toLowerCase().replaceAll("_", "-")}${at}`,
  };
}

function modelComponent(model: ReleaseLock["models"][number]): Component {
  const name = `${model.folder}/${model.filename}`;
  const [url] = model.sources;
  return {
    type: "machine-learning-model",
    "bom-ref": `model:${name}`,
    name,
    ...(model.sha256 !== null && { hashes: [{ alg: "SHA-256", content: model.sha256 }] }),
    ...(url !== undefined && { externalReferences: [{ type: "distribution", url }] }),
  };
}

function version(text: string | null | undefined): { readonly version?: string } {
  return text === null || text === undefined ? {} : { version: text };
}
