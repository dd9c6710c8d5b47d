import { describe, expect, it } from "vitest";

import { readLabels } from "./labels.ts";

describe("a job's labels", () => {
  it("are text by key, and none where none are given", () => {
    expect(readLabels(undefined)).toEqual({ metadata: {}, priority: null, dueInMs: null });
    const metadata = { "a.b-c_9": "any text, also 日本語 and 🐈 and ''" };
    expect(readLabels(metadata)).toEqual({ metadata, priority: null, dueInMs: null });
  });

  it.each(["low", "normal", "high", "critical"])("set the priority %s", (priority) => {
    expect(readLabels({ "hearth.priority": priority }).priority).toBe(priority);
  });

  it.each([
    ["1", "low"],
    ["2", "normal"],
    ["3", "high"],
    ["4", "critical"],
  ])("set the priority by number, %s for %s", (number, priority) => {
    expect(readLabels({ "hearth.priority": number }).priority).toBe(priority);
  });

  it("say how soon the job is wanted", () => {
    expect(readLabels({ "hearth.deadline": "90s" }).dueInMs).toBe(90_000);
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
    [{ "hearth.priority": "5" }, "metadata.hearth.priority"],
    [{ "hearth.deadline": "soon" }, "metadata.hearth.deadline"],
    [{ "hearth.deadline": "0s" }, "metadata.hearth.deadline"],
    [{ "hearth.deadline": "8d" }, "metadata.hearth.deadline"],
  ])("are refused as %j", (metadata, field) => {
    expect(() => readLabels(metadata)).toThrow(
      expect.objectContaining({
        code: "metadata_invalid",
        details: expect.objectContaining({ field }),
      }),
    );
  });
});
