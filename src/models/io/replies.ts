import type { IncomingHttpHeaders } from "node:http";

import { unavailable } from "./faults.ts";

/** What a server's reply to a ranged request says of the file. */
export interface ReplyFacts {
  readonly totalBytes: number | null;
  /** For `If-Range`; null where the server gave nothing that can be relied on. */
  readonly validator: string | null;
  /** Whether the reply holds the range that was asked for, and not the whole file. */
  readonly isPart: boolean;
}

/** A fault of a single request, and what it means for the next. */
export class RequestFault extends Error {
  override readonly name = "RequestFault";
  /** `busy`: fewer connections would do. `changed`: another file now. `denied`: for good. */
  readonly kind: "passing" | "busy" | "changed" | "denied";

  constructor(kind: RequestFault["kind"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Reads a reply's head. Throws `RequestFault` for a refusal or a reply that cannot be used. */
export function replyFacts(status: number, headers: IncomingHttpHeaders): ReplyFacts {
  if (status !== 200 && status !== 206) throw refusalOf(status);
  const encoding = textOf(headers["content-encoding"]);
  if (encoding !== undefined && encoding !== "identity") {
    throw new RequestFault("denied", `the server encodes the file as ${encoding.slice(0, 40)}`);
  }
  const validator = validatorOf(headers);
  if (status === 200) {
    const length = textOf(headers["content-length"]);
    return { totalBytes: countOf(length), validator, isPart: false };
  }
  const range = parseContentRange(textOf(headers["content-range"]));
  return { totalBytes: range.total, validator, isPart: true };
}

export interface ContentRange {
  readonly first: number;
  readonly last: number;
  readonly total: number;
}

/** Throws `RequestFault` for a range that is missing, open or contradicts itself. */
export function parseContentRange(text: string | undefined): ContentRange {
  const [, from, to, of] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/u.exec(text ?? "") ?? [];
  const range = { first: Number(from), last: Number(to), total: Number(of) };
  if (from === undefined || range.last < range.first || range.total <= range.last) {
    throw new RequestFault("denied", "the server's Content-Range makes no sense");
  }
  return range;
}

/** The same as an error for people. */
export function faultOf(place: string, fault: unknown): unknown {
  if (!(fault instanceof RequestFault)) return fault;
  return unavailable(place, fault.message, fault.cause);
}

function refusalOf(status: number): RequestFault {
  if (status === 429 || status === 503) return new RequestFault("busy", `HTTP ${status}`);
  if (status === 416) return new RequestFault("changed", "HTTP 416: the file became shorter");
  const isPassing = status >= 500 || status === 408 || status === 425;
  return new RequestFault(isPassing ? "passing" : "denied", `HTTP ${status}`);
}

/** A weak tag promises the same meaning, not the same bytes. */
function validatorOf(headers: IncomingHttpHeaders): string | null {
  const tag = textOf(headers.etag);
  if (tag !== undefined && tag.startsWith('"') && tag.length <= 1_000) return tag;
  return textOf(headers["last-modified"])?.slice(0, 100) ?? null;
}

function countOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/u.test(text) ? Number(text) : null;
}

function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
