import { isJsonObject, type JsonValue } from "../../kernel/json.ts";
import { modelFolder, modelKey, type ModelFile } from "../model-ref.ts";
import type { PackRef } from "../pack-needs.ts";
import type { UiDocument, UiNode } from "./document.ts";

const maxSources = 16;
const sha256Pattern = /^[0-9a-f]{64}$/iu;
const repositoryPattern = /^\w[\w.-]*\/[\w.-]+$/u;

/** Every node of a document, those of its subgraphs once each. */
function allNodes(document: UiDocument): readonly UiNode[] {
  const all = [...document.root.nodes.values()];
  for (const { nodes } of document.subgraphs.values()) all.push(...nodes.values());
  return all;
}

/**
 * The model files that a document itself names with their folder and source, at its top or on its
 * nodes. What is not as the editor writes it is left out: it is a hint, not an order.
 */
export function declaredModels(document: UiDocument): readonly ModelFile[] {
  const lists = [
    document.rest["models"],
    ...allNodes(document).map((node) => node.properties["models"]),
  ];
  return mergeModels(lists.flatMap(modelsOf));
}

/** The entries of one `models` list. */
function modelsOf(list: JsonValue | undefined): readonly ModelFile[] {
  if (!Array.isArray(list)) return [];
  return (list as readonly JsonValue[]).flatMap((entry) => {
    if (!isJsonObject(entry)) return [];
    const { name, directory, url, hash, hash_type: hashType } = entry;
    if (typeof name !== "string" || typeof directory !== "string" || name === "") return [];
    const isSha256 = typeof hash === "string" && sha256Pattern.test(hash);
    const saysSha256 = typeof hashType !== "string" || hashType.toLowerCase() === "sha256";
    return [
      {
        folder: modelFolder(directory),
        filename: name.replaceAll("\\", "/"),
        sha256: isSha256 && saysSha256 ? hash.toLowerCase() : null,
        bytes: null,
        sources: typeof url === "string" && /^https?:\/\//u.test(url) ? [url] : [],
      },
    ];
  });
}

/** One entry a file: what one entry lacks, another may know. */
function mergeModels(files: readonly ModelFile[]): readonly ModelFile[] {
  const merged = new Map<string, ModelFile>();
  for (const file of files) {
    const known = merged.get(modelKey(file)) ?? file;
    merged.set(modelKey(file), {
      folder: file.folder,
      filename: file.filename,
      sha256: known.sha256 ?? file.sha256,
      bytes: known.bytes ?? file.bytes,
      sources: [...new Set([...known.sources, ...file.sources])].slice(0, maxSources),
    });
  }
  return [...merged.values()];
}

/** Who brings a class, as the editor noted it on its nodes: registry id, repository, version. */
export function declaredPacks(document: UiDocument): ReadonlyMap<string, PackRef> {
  const packs = new Map<string, PackRef>();
  for (const { type, properties } of allNodes(document)) {
    const { cnr_id: id, aux_id: repository, ver: version } = properties;
    const isRepository = typeof repository === "string" && repositoryPattern.test(repository);
    if (packs.has(type) || (typeof id !== "string" && !isRepository)) continue;
    packs.set(type, {
      id: typeof id === "string" ? id : null,
      repository: isRepository ? `https://github.com/${repository}` : null,
      version: typeof version === "string" && version !== "" ? version : null,
    });
  }
  return packs;
}
