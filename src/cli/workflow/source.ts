import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { Readable } from "node:stream";
import { inflateSync } from "node:zlib";

import { errorMessage } from "../../kernel/errors.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../kernel/json.ts";
import { extractWorkflows } from "../../workflow/embedded/extract.ts";
import { isUiFormat } from "../../workflow/ui/document.ts";
import { CliFailure } from "../failure.ts";
import type { Io } from "../output.ts";

/** A workflow as it was found, in one format or both. */
export interface WorkflowSource {
  readonly path: string;
  /** `json`, or the kind of file that it was found in. */
  readonly container: string;
  readonly api: JsonObject | null;
  /** As the editor saves it. */
  readonly editor: JsonObject | null;
}

const maxDepth = 64;

/**
 * Reads a workflow from a file, from standard input (`-`), or out of a picture, video or latent
 * that ComfyUI made. Whether it is valid is for others to say. Errors: `usage`.
 */
export async function readSource(path: string, io: Io): Promise<WorkflowSource> {
  const bytes = await readBytes(path, io);
  const found = extractWorkflows(bytes, inflate);
  if (found === undefined) {
    const value = parseObject(bytes.toString("utf8"), path);
    const isEditor = isUiFormat(value);
    return {
      path,
      container: "json",
      api: isEditor ? null : value,
      editor: isEditor ? value : null,
    };
  }
  if (found.prompt === null && found.workflow === null) {
    throw new CliFailure("usage", `${path} holds no workflow.`);
  }
  return { path, container: found.container, api: found.prompt, editor: found.workflow };
}

/** The bytes of a file, or of standard input for `-`. Errors: `usage`. */
export async function readBytes(path: string, io: Io): Promise<Buffer> {
  try {
    return path === "-"
      ? await buffer(Readable.from(io.stdin))
      : await readFile(resolve(io.folder, path));
  } catch (cause) {
    throw new CliFailure("usage", `${path} cannot be read: ${errorMessage(cause)}.`);
  }
}

function parseObject(text: string, path: string): JsonObject {
  const parsed = parseJson(text, { maxDepth });
  if (!parsed.ok) {
    throw new CliFailure("usage", `${path} is not a workflow: ${parsed.error.message}.`);
  }
  if (!isJsonObject(parsed.value)) {
    throw new CliFailure("usage", `${path} is not a workflow: it must hold one JSON object.`);
  }
  return parsed.value;
}

function inflate(bytes: Uint8Array, maxBytes: number): Uint8Array | undefined {
  try {
    return inflateSync(bytes, { maxOutputLength: maxBytes });
  } catch {
    return undefined;
  }
}
