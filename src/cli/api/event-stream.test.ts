import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { EventParser } from "./event-stream.ts";

const stream =
  ': keepalive\n\nevent: status\ndata: {"a":1}\n\nevent: progress\r\ndata: x\r\ndata: y\r\n\r\n' +
  "retry: 5\n\ndata\n\nevent: late\ndata: cut off";
const expected = [
  { event: "status", data: '{"a":1}' },
  { event: "progress", data: "x\ny" },
  { event: "message", data: "" },
];

describe("server-sent events", () => {
  it("are read whole, without comments and unfinished ones", () => {
    expect(new EventParser().push(stream)).toEqual(expected);
  });

  it("are the same however the text is cut into pieces", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: stream.length })), (cuts) => {
        const parser = new EventParser();
        const ends = [...cuts, stream.length].toSorted((left, right) => left - right);
        const events = ends.flatMap((end, index) =>
          parser.push(stream.slice(ends[index - 1] ?? 0, end)),
        );
        expect(events).toEqual(expected);
      }),
    );
  });

  it("may not grow without end", () => {
    const parser = new EventParser();
    const piece = `data: ${"x".repeat(8 * 1024 * 1024)}`;
    parser.push(piece);
    expect(() => parser.push(piece)).toThrow("too long");
  });
});
