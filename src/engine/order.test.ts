import { describe, expect, it } from "vitest";
import type { JsonValue } from "../kernel/json.ts";
import { computeCacheKeys } from "./cache-key.ts";
import { planOrder, type CheckedInputs } from "./order.ts";

/** Inputs from plain tables: `{save: {image: ["load", 0]}}`. */
function inputsOf(
  nodes: Readonly<Record<string, Readonly<Record<string, JsonValue>>>>,
): CheckedInputs {
  return new Map(Object.entries(nodes).map(([id, node]) => [id, new Map(Object.entries(node))]));
}

const diamond = inputsOf({
  a: { value: 1 },
  b: { x: ["a", 0] },
  c: { x: ["a", 0] },
  d: { x: ["b", 0], y: ["c", 0] },
  other: { value: 2 },
});

describe("the order of a run", () => {
  it("puts each node after what it needs, once, and leaves out the rest", () => {
    expect(planOrder(diamond, ["d"])).toEqual(["a", "b", "c", "d"]);
  });

  it("does not look behind results that are there, unless they are asked for", () => {
    const cached = new Set(["a", "b"]);
    expect(planOrder(diamond, ["d"], (id) => cached.has(id))).toEqual(["c", "d"]);
    expect(planOrder(diamond, ["b", "d"], (id) => cached.has(id))).toEqual(["b", "c", "d"]);
  });

  it("orders a chain of 200,000 nodes", () => {
    const chain = new Map<string, ReadonlyMap<string, JsonValue>>([["0", new Map()]]);
    for (let at = 1; at < 200_000; at++) chain.set(`${at}`, new Map([["x", [`${at - 1}`, 0]]]));
    const order = planOrder(chain, ["199999"]);
    expect(order.length).toBe(200_000);
    expect(order.at(0)).toBe("0");
  });
});

describe("the cache key of a node", () => {
  const facts = {
    inputs: diamond,
    classNames: new Map(["a", "b", "c", "d"].map((id) => [id, "Add"])),
    fingerprints: new Map<string, string>(),
    outputs: ["d"],
  };

  it("is the same for the same work, whatever the ids are", () => {
    const keys = computeCacheKeys(facts);
    expect(keys.get("b")).toBe(keys.get("c"));
    expect(keys.get("a")).not.toBe(keys.get("b"));
    expect([...keys.keys()]).toEqual(["a", "b", "c", "d"]);
  });

  it("changes with an ancestor's literal, class or file", () => {
    const before = computeCacheKeys(facts).get("d");
    const literal = inputsOf({ ...toObject(diamond), a: { value: 3 } });
    expect(computeCacheKeys({ ...facts, inputs: literal }).get("d")).not.toBe(before);
    const classNames = new Map([...facts.classNames, ["a", "Other"]]);
    expect(computeCacheKeys({ ...facts, classNames }).get("d")).not.toBe(before);
    const fingerprints = new Map([["a", "sha"]]);
    expect(computeCacheKeys({ ...facts, fingerprints }).get("d")).not.toBe(before);
  });

  it("tells a link from a literal that looks alike", () => {
    const wrapped = inputsOf({ ...toObject(diamond), b: { x: ["a", 1] } });
    const before = computeCacheKeys(facts).get("b");
    expect(computeCacheKeys({ ...facts, inputs: wrapped }).get("b")).not.toBe(before);
  });
});

function toObject(inputs: CheckedInputs): Record<string, Record<string, JsonValue>> {
  return Object.fromEntries([...inputs].map(([id, node]) => [id, Object.fromEntries(node)]));
}
