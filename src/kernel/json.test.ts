import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parseJson } from "./json.ts";

const limits = { maxDepth: 64 };

function refusal(text: string): string {
  const result = parseJson(text, limits);
  return result.ok
    ? "accepted"
    : `${result.error.code}: ${String(result.error.details?.["reason"])}`;
}

describe("reading untrusted JSON", () => {
  it("agrees with JSON.parse on every document without repeated or forbidden keys", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), (text) => {
        const result = parseJson(text, limits);
        if (!result.ok && result.error.details?.["reason"] !== "syntax") return;
        expect(result.ok && result.value).toEqual(JSON.parse(text));
      }),
    );
  });

  it("refuses whatever JSON.parse refuses", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        let isValid = true;
        try {
          JSON.parse(text);
        } catch {
          isValid = false;
        }
        expect(parseJson(text, limits).ok).toBe(isValid);
      }),
    );
  });

  it.each([
    ["", "invalid_json: syntax"],
    ['{"a":1,}', "invalid_json: syntax"],
    ['{"a":NaN}', "invalid_json: syntax"],
    ["\uFEFF{}", "invalid_json: syntax"],
    ["{} {}", "invalid_json: syntax"],
    ['{"a":1,"a":2}', "invalid_json: duplicate_key"],
    ['{"__proto__":{}}', "invalid_json: forbidden_key"],
    ['{"\\u005f_proto__":{}}', "invalid_json: forbidden_key"],
    ['{"a":{"constructor":1}}', "invalid_json: forbidden_key"],
    ["[".repeat(10_000), "json_too_deep: too_deep"],
  ])("refuses %j", (text, expected) => {
    expect(refusal(text)).toBe(expected);
  });

  it("reads a string of ten million characters without exhausting the stack", () => {
    expect(parseJson(JSON.stringify("a".repeat(10_000_000)), limits).ok).toBe(true);
  });

  it("says where reading stopped", () => {
    const result = parseJson('{"a" 1}', limits);
    expect(!result.ok && result.error.details?.["position"]).toBe(5);
  });
});
