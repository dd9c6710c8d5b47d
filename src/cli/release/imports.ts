import { unzipSync } from "fflate";

import { errorMessage } from "../../kernel/errors.ts";
import type { Result } from "../../kernel/result.ts";
import { draftOfComfyBuild, isComfyBuild } from "../../models/imports/comfy-build.ts";
import { draftOfComfyPack } from "../../models/imports/comfy-pack.ts";
import {
  draftOfManagerSnapshot,
  isManagerSnapshot,
} from "../../models/imports/manager-snapshot.ts";
import type { ReleaseDraft } from "../../models/release-draft.ts";
import { CliFailure } from "../failure.ts";
import type { Io } from "../output.ts";
import { readBytes } from "../workflow/source.ts";
import { parseYaml } from "./manifest-file.ts";

/** Of an archive only these are read, and only up to this size. */
const packFiles: ReadonlySet<string> = new Set(["snapshot.json", "requirements.txt"]);
const maxEntryBytes = 16 * 1024 * 1024;

/**
 * Reads an environment that another tool has described: `comfy-build.yaml`, a snapshot of
 * ComfyUI-Manager, or a comfy-pack archive. Undefined for any other file. Errors: `usage`.
 */
export async function readImport(path: string, io: Io): Promise<ReleaseDraft | undefined> {
  if (path.endsWith(".zip")) return unwrap(path, readComfyPack(await readBytes(path, io), path));
  if (!/\.(?:ya?ml|json)$/u.test(path)) return undefined;
  const text = (await readBytes(path, io)).toString("utf8");
  const isYaml = !path.endsWith(".json");
  const value = isYaml ? parseYaml(text, path) : parsePlain(text);
  if (isComfyBuild(value)) return unwrap(path, draftOfComfyBuild(value));
  if (isManagerSnapshot(value)) return unwrap(path, draftOfManagerSnapshot(value));
  if (!isYaml) return undefined;
  throw new CliFailure("usage", `${path} is neither a comfy-build.yaml nor a snapshot.`);
}

function readComfyPack(bytes: Uint8Array, path: string): Result<ReleaseDraft, string> {
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes, {
      filter: ({ name, originalSize }) => packFiles.has(name) && originalSize <= maxEntryBytes,
    });
  } catch (cause) {
    throw new CliFailure("usage", `${path} is not a zip archive: ${errorMessage(cause)}.`);
  }
  const snapshot = files["snapshot.json"];
  if (snapshot === undefined) {
    throw new CliFailure("usage", `${path} is not a comfy-pack archive: it has no snapshot.json.`);
  }
  const decoder = new TextDecoder();
  const requirements = decoder.decode(files["requirements.txt"] ?? new Uint8Array());
  return draftOfComfyPack(parsePlain(decoder.decode(snapshot)), requirements);
}

/** What is not JSON is no import; whoever reads workflows says what is wrong with it. */
function parsePlain(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function unwrap(path: string, draft: Result<ReleaseDraft, string>): ReleaseDraft {
  if (draft.ok) return draft.value;
  throw new CliFailure("usage", `${path} cannot be used: ${draft.error}.`);
}
