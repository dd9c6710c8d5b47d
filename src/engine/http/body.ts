import type { FastifyInstance, FastifyRequest } from "fastify";
import { isJsonObject, type JsonObject, type JsonValue } from "../../kernel/json.ts";
import { HttpFailure } from "./failure.ts";

/** Deeper nesting has no use in a prompt and would exhaust the stack of whoever walks it. */
const maxDepth = 200;

/**
 * Reads every body as bytes: ComfyUI does not look at the content type, and some clients send JSON
 * as plain text or as a form.
 */
export function readAllBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => {
    done(null, body);
  });
}

/** The body as bytes; empty without one. */
export function bodyBytes(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

/** The body as JSON. Throws a 400 for anything else; without a body it is `undefined`. */
export function bodyJson(request: FastifyRequest): JsonValue | undefined {
  const bytes = bodyBytes(request);
  if (bytes.length === 0) return undefined;
  const text = bytes.toString("utf8");
  if (nestingDepth(text) > maxDepth) throw new HttpFailure(400, "The JSON is nested too deeply.");
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw new HttpFailure(400, "Request body must be valid JSON");
  }
}

/** The body as a JSON object; an empty one for no body or another kind of JSON. */
export function bodyObject(request: FastifyRequest): JsonObject {
  const value = bodyJson(request);
  return isJsonObject(value) ? value : {};
}

/** The own property of a body; never something inherited. */
export function field(body: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(body, name) ? body[name] : undefined;
}

/** How deep brackets are nested outside strings. */
function nestingDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (inString) {
      if (unit === 0x5c) at++;
      else if (unit === 0x22) inString = false;
    } else if (unit === 0x22) {
      inString = true;
    } else if (unit === 0x5b || unit === 0x7b) {
      depth++;
      deepest = Math.max(deepest, depth);
    } else if (unit === 0x5d || unit === 0x7d) {
      depth--;
    }
  }
  return deepest;
}
