import { describe, expect, it } from "vitest";

import { readLabels } from "./labels.ts";

describe("a job's labels", () => {
  it("are text by key, and none where none are given", () => {
    expect(readLabels(undefined)).toEqual({ metadata: {}, priority: "normal" });
    const metadata = { "a.b-c_9": "any text, also 日本語 and 🐈 and ''" };
    expect(readLabels(metadata)).toEqual({ metadata, priority: "normal" });
  });

  it.each(["low", "normal", "high", "critical"])("set the priority %s", (priority) => {
    expect(readLabels({ "hearth.priority": priority }).priority).toBe(priority);
  });

  it.each<[unknown, string]>([
    [[], "metadata"],
    ["text", "metadata"],
    [Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`k${at}`, ""])), "metadata"],
    [{ a: 1 }, "metadata.a"],
    [{ a: null }, "metadata.a"],
    [{ "": "x" }, "metadata."],
    [{ "a b": "x" }, "metadata.a b"],
    [{ ["k".repeat(41)]: "x" }, `metadata.${"k".repeat(41)}`],
    [{ a: "x".repeat(501) }, "metadata.a"],
    [{ a: "nul\0" }, "metadata.a"],
    [{ a: "\u001b[31m" }, "metadata.a"],
    [{ a: "right\u202eleft" }, "metadata.a"],
    [{ a: "\ud83d" }, "metadata.a"],
    [{ "hearth.priority": "urgent" }, "metadata.hearth.priority"],
  ])("are refused as %j", (metadata, field) => {
    expect(() => readLabels(metadata)).toThrow(
      expect.objectContaining({
        code: "metadata_invalid",
        details: expect.objectContaining({ field }),
      }),
    );
  });
});
