import { RequestFault } from "./replies.ts";

/** The head of an HTTP/1.x reply: its status and its headers by lower-case name. */
export interface ReplyHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the connection serves another request after this reply. */
  readonly isKept: boolean;
  readonly body:
    | { readonly kind: "sized"; readonly bytes: number }
    | { readonly kind: "chunked" }
    /** Ends with the connection. */
    | { readonly kind: "open" };
}

/** A head that is longer is refused. */
export const maxHeadBytes = 32 * 1024;

/**
 * Reads the head of a reply, without the empty line at its end. Strict where servers and proxies
 * have been played off against each other: folded lines, blanks before a colon, two lengths.
 * Throws `RequestFault`.
 */
export function parseReplyHead(text: string): ReplyHead {
  const [first = "", ...lines] = text.split("\r\n");
  const [, minor, digits] = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: |$)/u.exec(first) ?? [];
  if (digits === undefined) throw senseless("its first line is no HTTP/1.1");
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([^\r\n\0]*?)[ \t]*$/u.exec(line) ?? [];
    if (name === undefined || value === undefined) throw senseless("a header is malformed");
    const key = name.toLowerCase();
    const known = headers[key];
    if (known !== undefined && decisive.has(key) && known !== value) throw senseless(`two ${key}`);
    headers[key] = known === undefined || decisive.has(key) ? value : `${known}, ${value}`;
  }
  const isClosed = /\bclose\b/iu.test(headers["connection"] ?? "");
  return {
    status: Number(digits),
    headers,
    isKept: minor === "1" && !isClosed,
    body: bodyOf(headers),
  };
}

/** Headers of which a reply may have one. */
const decisive = new Set(["content-length", "content-range", "transfer-encoding", "etag"]);

function bodyOf(headers: Readonly<Record<string, string>>): ReplyHead["body"] {
  const length = headers["content-length"];
  const coding = headers["transfer-encoding"]?.toLowerCase();
  if (coding !== undefined) {
    if (coding !== "chunked" || length !== undefined) throw senseless("its length is ambiguous");
    return { kind: "chunked" };
  }
  if (length === undefined) return { kind: "open" };
  if (!/^\d{1,15}$/u.test(length)) throw senseless("its Content-Length is no number");
  return { kind: "sized", bytes: Number(length) };
}

function senseless(reason: string): RequestFault {
  return new RequestFault("denied", `the server's reply makes no sense: ${reason}`);
}
