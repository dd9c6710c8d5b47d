import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { Readable } from "node:stream";

import { errorMessage } from "../../kernel/errors.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../kernel/json.ts";
import { CliFailure } from "../failure.ts";
import type { Io } from "../output.ts";
import { readPngText, isPng } from "./png-text.ts";

const maxDepth = 64;

/**
 * Reads a workflow in API format from a file, from standard input (`-`), or from a picture that
 * ComfyUI made. Whether it is valid is for the server to say. Errors: `usage`.
 */
export async function readWorkflow(path: string, io: Io): Promise<JsonObject> {
  const bytes = await readBytes(path, io);
  if (isPng(bytes)) {
    const text = readPngText(bytes, "prompt");
    if (text === undefined) throw new CliFailure("usage", `${path} holds no workflow.`);
    // ComfyUI writes Python's NaN into pictures, which is not JSON.
    const isJson = parseJson(text, { maxDepth }).ok;
    return parse(isJson ? text : text.replaceAll(/\bNaN\b/gu, "null"), path);
  }
  return parse(bytes.toString("utf8"), path);
}

async function readBytes(path: string, io: Io): Promise<Buffer> {
  try {
    return path === "-"
      ? await buffer(Readable.from(io.stdin))
      : await readFile(resolve(io.folder, path));
  } catch (cause) {
    throw new CliFailure("usage", `${path} cannot be read: ${errorMessage(cause)}.`);
  }
}

function parse(text: string, path: string): JsonObject {
  const parsed = parseJson(text, { maxDepth });
  if (!parsed.ok) {
    throw new CliFailure("usage", `${path} is not a workflow: ${parsed.error.message}.`);
  }
  if (!isJsonObject(parsed.value)) {
    throw new CliFailure("usage", `${path} is not a workflow: it must hold one JSON object.`);
  }
  return parsed.value;
}
