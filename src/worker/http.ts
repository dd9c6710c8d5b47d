import { request, type Dispatcher } from "undici";

import { errorMessage } from "../kernel/errors.ts";
import { parseLosslessJson } from "../kernel/lossless-json.ts";

export interface HttpCall {
  readonly method: "GET" | "HEAD" | "POST" | "PUT";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Dispatcher.DispatchOptions["body"];
  readonly signal?: AbortSignal;
  /** The longest silence: before the reply begins, and between its parts. */
  readonly timeoutMs: number;
}

export interface HttpReply {
  readonly status: number;
  /** The parsed body; undefined when it is not JSON. */
  readonly body: unknown;
}

/** No reply came, or not all of it. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
  /** Nobody listens there; the request has surely not been received. */
  readonly isRefused: boolean;

  constructor(url: string, cause: unknown) {
    const { host, pathname } = new URL(url);
    super(`${host}${pathname}: ${reasonOf(cause)}`, { cause });
    this.isRefused = codesOf(cause).includes("ECONNREFUSED");
  }
}

/** Sends a request and leaves the reply's body to the caller. Throws `Unreachable`, or the abort. */
export async function send(
  dispatcher: Dispatcher,
  call: HttpCall,
): Promise<Dispatcher.ResponseData> {
  const { method, url, headers, body, signal, timeoutMs } = call;
  try {
    return await request(url, {
      dispatcher,
      method,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      ...(headers !== undefined && { headers }),
      ...(body !== undefined && { body }),
      ...(signal !== undefined && { signal }),
    });
  } catch (thrown) {
    signal?.throwIfAborted();
    throw new Unreachable(url, thrown);
  }
}

/** Sends a request and reads the whole reply. Throws `Unreachable`, or the abort. */
export async function sendForJson(dispatcher: Dispatcher, call: HttpCall): Promise<HttpReply> {
  const reply = await send(dispatcher, call);
  try {
    const text = await reply.body.text();
    return { status: reply.statusCode, body: parsed(text) };
  } catch (thrown) {
    call.signal?.throwIfAborted();
    throw new Unreachable(call.url, thrown);
  }
}

/** The call's body as JSON, with its header. */
export function jsonBody(value: unknown): Pick<HttpCall, "headers" | "body"> {
  return { headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

function parsed(text: string): unknown {
  try {
    return parseLosslessJson(text);
  } catch {
    return undefined;
  }
}

function reasonOf(cause: unknown): string {
  const message = errorMessage(cause);
  return message === "" ? (codesOf(cause)[0] ?? "no reply") : message;
}

/** An address with several interfaces fails with one error for each. */
function codesOf(cause: unknown): readonly string[] {
  const faults = cause instanceof AggregateError ? cause.errors : [cause];
  return faults.flatMap((fault) => {
    const code: unknown = fault instanceof Error && "code" in fault ? fault.code : undefined;
    return typeof code === "string" ? [code] : [];
  });
}
