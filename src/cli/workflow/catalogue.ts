import { request } from "undici";

import { errorMessage } from "../../kernel/errors.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../kernel/json.ts";
import { parseNodeCatalogue, type NodeCatalogue } from "../../workflow/node-class.ts";
import { CliFailure } from "../failure.ts";
import type { Io } from "../output.ts";
import { readBytes } from "./source.ts";

/** What a ComfyUI says of its node classes, and the words it said it in. */
export interface CatalogueSource {
  readonly catalogue: NodeCatalogue;
  readonly body: JsonObject;
}

const timeoutMs = 60_000;
const maxBytes = 256 * 1024 * 1024;
const maxDepth = 64;

/**
 * Reads a node catalogue: a saved answer of `/object_info`, or the URL of a running ComfyUI.
 * Errors: `usage`.
 */
export async function readCatalogue(place: string, io: Io): Promise<CatalogueSource> {
  const text = /^https?:\/\//u.test(place)
    ? await fetchObjectInfo(place)
    : (await readBytes(place, io)).toString("utf8");
  const parsed = parseJson(text, { maxDepth });
  const body = parsed.ok ? parsed.value : undefined;
  const catalogue = body === undefined ? undefined : parseNodeCatalogue(body);
  if (!isJsonObject(body) || catalogue === undefined || catalogue.size === 0) {
    const reason = parsed.ok ? "it describes no node class" : parsed.error.message;
    throw new CliFailure("usage", `${place} is not a node catalogue: ${reason}.`, {
      hint: "Save one with: curl -o object_info.json http://127.0.0.1:8188/object_info",
    });
  }
  return { catalogue, body };
}

async function fetchObjectInfo(place: string): Promise<string> {
  const url = place.endsWith("/object_info") ? place : `${place.replace(/\/+$/u, "")}/object_info`;
  try {
    const { statusCode, body } = await request(url, {
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (statusCode !== 200) throw new Error(`it answered ${statusCode}`);
    const parts: Buffer[] = [];
    let sizeBytes = 0;
    for await (const part of body as AsyncIterable<Buffer>) {
      sizeBytes += part.length;
      if (sizeBytes > maxBytes) throw new Error(`it sends more than ${maxBytes} bytes`);
      parts.push(part);
    }
    return Buffer.concat(parts).toString("utf8");
  } catch (cause) {
    throw new CliFailure("usage", `${url} cannot be read: ${errorMessage(cause)}.`);
  }
}
