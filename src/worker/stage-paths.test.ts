import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { safeFilename, stagedName, withValues } from "./stage-paths.ts";

describe("the name of a staged file", () => {
  test("is that of its content", () => {
    const hash = `blake3:${"0123456789abcdef".repeat(4)}`;
    expect(stagedName(hash, "cat.png")).toEqual({
      subfolder: "hearth/0123456789abcdef",
      filename: "cat.png",
    });
  });

  test.each([
    ["../../etc/passwd", "passwd"],
    ["C:\\photos\\cat.png", "cat.png"],
    ["photo [output].png", "photo _output_.png"],
    ["...", "file"],
    ["", "file"],
    [".hidden", "hidden"],
    ["Übung 猫.png", "Übung 猫.png"],
  ])("of %s is %s", (given, safe) => {
    expect(safeFilename(given)).toBe(safe);
  });

  test("keeps its extension when it is cut", () => {
    expect(safeFilename(`${"x".repeat(300)}.safetensors`)).toMatch(/^x{88}\.safetensors$/u);
  });

  test("never leads out of its folder, whatever was given", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (name) => {
        const safe = safeFilename(name);
        expect(safe).not.toMatch(/[/\\[\]\0\n]|^\.|^$/u);
        expect(safe.length).toBeLessThanOrEqual(100);
      }),
    );
  });
});

describe("values put into a workflow", () => {
  const workflow = { "1": { inputs: { image: "old", list: ["a", "b"] } }, "2": { inputs: {} } };

  test("replace what is at their paths and leave the given workflow as it is", () => {
    const placed = withValues(workflow, [
      { path: ["1", "inputs", "image"], value: "new" },
      { path: ["1", "inputs", "list", 1], value: "c" },
    ]);
    expect(placed["1"]).toEqual({ inputs: { image: "new", list: ["a", "c"] } });
    expect(workflow["1"].inputs.image).toBe("old");
    expect(placed["2"]).toBe(workflow["2"]);
  });

  test("go nowhere when their path does", () => {
    for (const path of [
      ["9", "inputs"],
      ["1", "inputs", "none"],
      ["1", "inputs", "list", 7],
      ["1", "inputs", "image", "deeper"],
      ["__proto__", "x"],
    ]) {
      expect(withValues(workflow, [{ path, value: "v" }])).toEqual(workflow);
    }
    expect(({} as { x?: string }).x).toBeUndefined();
  });
});
