import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { ChunkedBody } from "./chunked-body.ts";
import { RequestFault } from "./replies.ts";
import { parseReplyHead } from "./reply-head.ts";

const head = (...lines: string[]) => parseReplyHead(lines.join("\r\n"));

describe("the head of a reply", () => {
  it("tells status, headers by lower-case name and how the body ends", () => {
    const sized = head("HTTP/1.1 206 Partial Content", "Content-Length: 12", 'ETag:\t"a" ');
    expect(sized).toMatchObject({ status: 206, isKept: true, body: { kind: "sized", bytes: 12 } });
    expect(sized.headers["etag"]).toBe('"a"');
    expect(head("HTTP/1.1 200", "Transfer-Encoding: chunked").body).toEqual({ kind: "chunked" });
    expect(head("HTTP/1.1 200 OK").body).toEqual({ kind: "open" });
    expect(head("HTTP/1.1 200 OK", "Connection: Close").isKept).toBe(false);
    expect(head("HTTP/1.0 200 OK", "Content-Length: 0").isKept).toBe(false);
  });

  it.each([
    ["another protocol", ["SSH-2.0-x"]],
    ["a status of two digits", ["HTTP/1.1 20 OK"]],
    ["a folded line", ["HTTP/1.1 200 OK", "A: b", " c"]],
    ["a blank before the colon", ["HTTP/1.1 200 OK", "Content-Length : 1"]],
    ["two lengths", ["HTTP/1.1 200 OK", "Content-Length: 1", "Content-Length: 2"]],
    ["a length and chunks", ["HTTP/1.1 200 OK", "Content-Length: 1", "Transfer-Encoding: chunked"]],
    ["another coding", ["HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked"]],
    ["a negative length", ["HTTP/1.1 200 OK", "Content-Length: -1"]],
    ["a NUL", ["HTTP/1.1 200 OK", "A: \0"]],
  ])("refuses %s", (_, lines) => {
    expect(() => head(...lines)).toThrow(RequestFault);
  });

  it("takes no name from the language's own objects", () => {
    expect(head("HTTP/1.1 200 OK", "__proto__: x").headers["constructor"]).toBeUndefined();
  });

  it("is read or refused, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        try {
          parseReplyHead(text);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(RequestFault);
        }
      }),
    );
  });
});

describe("a body in chunks", () => {
  const encode = (chunks: readonly Uint8Array[]): Buffer =>
    Buffer.concat([
      ...chunks.flatMap((chunk) => [
        Buffer.from(`${chunk.length.toString(16)};x=1\r\n`),
        chunk,
        Buffer.from("\r\n"),
      ]),
      Buffer.from("0\r\nTrailer: x\r\n\r\n"),
    ]);

  it("is put together again, however it is cut", () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.array(chunk), fc.integer({ min: 1, max: 50 }), (chunks, step) => {
        const body = new ChunkedBody();
        const payload: Uint8Array[] = [];
        const bytes = encode(chunks);
        for (let at = 0; at < bytes.length; at += step) {
          body.push(bytes.subarray(at, at + step), (part) => payload.push(Buffer.from(part)));
        }
        expect(body.isOver).toBe(true);
        expect(Buffer.concat(payload).equals(Buffer.concat(chunks))).toBe(true);
      }),
    );
  });

  it.each(["x\r\n", "-1\r\n", "1\nA", "1\r\nAB\r\n", "0".repeat(2_000)])(
    "is refused where it is malformed: %j",
    (text) => {
      const body = new ChunkedBody();
      expect(() => body.push(Buffer.from(text), () => undefined)).toThrow(RequestFault);
    },
  );
});
