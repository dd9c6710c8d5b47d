import { Comfy } from "@comfyorg/sdk";

import { validatingFetch } from "./validating-fetch.ts";

/** The official client, pointed at a base URL the only way it can be: by its environment. */
export function officialClient(baseUrl: string, apiKey?: string): Comfy {
  process.env.COMFY_BASE_URL = baseUrl;
  try {
    return new Comfy({ fetch: validatingFetch, ...(apiKey !== undefined && { apiKey }) });
  } finally {
    delete process.env.COMFY_BASE_URL;
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON body; empty where there is none. */
  readonly body: Record<string, unknown>;
  readonly code: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
}

/** One request with a JSON body, given as a value or as text to be sent untouched. */
export async function call(
  url: string,
  method = "GET",
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await validatingFetch(url, {
    method,
    redirect: "manual",
    headers: { ...(body !== undefined && { "Content-Type": "application/json" }), ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return answerOf(response);
}

/** One upload; a `file` of the parts is sent as the file, in the order of the parts. */
export async function upload(
  url: string,
  parts: readonly (readonly [name: string, value: string | Blob])[],
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const form = new FormData();
  for (const [name, value] of parts) form.append(name, value);
  const request = { method: "POST", body: form, headers };
  return answerOf(await validatingFetch(`${url}/api/v2/assets`, request));
}

async function answerOf(response: Response): Promise<Answer> {
  const { status, headers } = response;
  const text = await response.text();
  const isJson = headers.get("content-type")?.startsWith("application/json") === true;
  const body = isJson && text !== "" ? (JSON.parse(text) as Record<string, unknown>) : {};
  const { code, details } = (body.error ?? {}) as { code?: string; details?: object };
  return { status, headers, body, code, details: { ...details } };
}
