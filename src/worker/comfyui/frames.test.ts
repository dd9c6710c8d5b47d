import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { parseBinaryFrame, parseTextFrame } from "./frames.ts";

const frame = (type: string, data: unknown): string => JSON.stringify({ type, data });

describe("a text frame", () => {
  test("of a run is read into what it means", () => {
    const of = (type: string, data: Record<string, unknown>): unknown =>
      parseTextFrame(frame(type, { prompt_id: "p", ...data }));
    expect(of("execution_cached", { nodes: ["1"] })).toEqual({
      kind: "cached",
      promptId: "p",
      nodes: ["1"],
    });
    expect(of("executing", { node: "1.0", display_node: "1" })).toMatchObject({ nodeId: "1" });
    expect(of("executing", { node: null })).toEqual({
      kind: "executing",
      promptId: "p",
      nodeId: null,
    });
    expect(of("progress", { node: "1", value: 2, max: 4 })).toMatchObject({ value: 2, max: 4 });
    expect(of("execution_success", {})).toEqual({ kind: "ended", promptId: "p", isSuccess: true });
    expect(of("execution_interrupted", {})).toMatchObject({ kind: "ended" });
  });

  test("of a snapshot keeps the nodes at work and those that ended", () => {
    const nodes = {
      "1": { state: "finished", value: 1, max: 1 },
      "2.1": { state: "running", value: 1, max: 5, display_node_id: "2" },
      "3": { state: "pending" },
      "4": null,
    };
    expect(parseTextFrame(frame("progress_state", { prompt_id: "p", nodes }))).toEqual({
      kind: "states",
      promptId: "p",
      nodes: [
        { nodeId: "1", displayNodeId: "1", state: "finished", value: 1, max: 1 },
        { nodeId: "2.1", displayNodeId: "2", state: "running", value: 1, max: 5 },
      ],
    });
  });

  test("of a blocked output is no end of the run", () => {
    const end = frame("execution_error", { prompt_id: "p", exception_type: "ValueError" });
    const blocked = frame("execution_error", {
      prompt_id: "p",
      exception_type: "ExecutionBlocked",
    });
    expect(parseTextFrame(end)?.kind).toBe("ended");
    expect(parseTextFrame(blocked)?.kind).toBe("other");
  });

  test("of an unknown type passes, and one that is not a message is nothing", () => {
    expect(parseTextFrame(frame("crystools.monitor", {}))?.kind).toBe("other");
    expect(parseTextFrame(frame("toString", {}))?.kind).toBe("other");
    for (const odd of ["", "null", "[]", "{", '{"type":3}']) {
      expect(parseTextFrame(odd)).toBeUndefined();
    }
  });
});

describe("a binary frame", () => {
  const header = (...words: number[]): Buffer => {
    const buffer = Buffer.alloc(4 * words.length);
    words.forEach((word, index) => buffer.writeUInt32BE(word, 4 * index));
    return buffer;
  };

  test("of type 1 is a preview that does not name its job", () => {
    const event = parseBinaryFrame(Buffer.concat([header(1, 2), Buffer.from("png")]));
    expect(event).toMatchObject({ kind: "preview", promptId: null, contentType: "image/png" });
  });

  test("of type 4 is a preview with its node and job", () => {
    const metadata = {
      node_id: "2.1",
      display_node_id: "2",
      prompt_id: "p",
      image_type: "image/jpeg",
    };
    const json = Buffer.from(JSON.stringify(metadata));
    const event = parseBinaryFrame(
      Buffer.concat([header(4, json.length), json, Buffer.from("jpg")]),
    );
    expect(event).toMatchObject({ promptId: "p", nodeId: "2", contentType: "image/jpeg" });
    expect(event?.kind === "preview" && Buffer.from(event.bytes).toString()).toBe("jpg");
  });

  test("of type 3 is what a node says of itself", () => {
    const bytes = Buffer.concat([header(3, 1), Buffer.from("7halfway")]);
    expect(parseBinaryFrame(bytes)).toMatchObject({ kind: "text", nodeId: "7", text: "halfway" });
  });

  test("of any bytes at all does no harm", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        parseBinaryFrame(bytes);
      }),
    );
    expect(parseBinaryFrame(header(4, 4_000_000_000))).toBeUndefined();
  });
});
