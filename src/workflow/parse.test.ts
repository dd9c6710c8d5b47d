import { describe, expect, it } from "vitest";

import type { JsonValue } from "../kernel/json.ts";
import { parseWorkflow } from "./parse.ts";

const limits = { maxNodes: 3 };
const node = { class_type: "EmptyImage", inputs: {} };

function faultOf(value: JsonValue): { code: string; details: unknown } {
  const parsed = parseWorkflow(value, limits);
  if (parsed.ok) throw new Error("it was accepted");
  return { code: parsed.error.code, details: parsed.error.details };
}

function nodeFault(id: string, field: string, reason: string): object {
  return { code: "invalid_workflow", details: { node_errors: { [id]: [{ field, reason }] } } };
}

describe("reading a workflow", () => {
  it("keeps nodes by id in the order they were written", () => {
    const parsed = parseWorkflow({ b: node, a: { ...node, _meta: { title: "x" } } }, limits);
    expect(parsed.ok && [...parsed.value]).toEqual([
      ["b", { classType: "EmptyImage", inputs: {} }],
      ["a", { classType: "EmptyImage", inputs: {} }],
    ]);
  });

  it("tells a workflow saved by the editor apart", () => {
    const saved = {
      last_node_id: 1,
      nodes: [{ id: 1, type: "KSampler" }],
      links: [],
      version: 0.4,
    };
    expect(faultOf(saved).code).toBe("workflow_format_ui");
  });

  it.each<[string, JsonValue, string, string]>([
    ["a node that is no object", 1, "node", "must be an object with class_type and inputs"],
    ["a node without a class", { inputs: {} }, "class_type", "missing_class_type"],
    ["a class that is no text", { class_type: 7, inputs: {} }, "class_type", "missing_class_type"],
    ["inputs that are a list", { class_type: "A", inputs: [] }, "inputs", "must be an object"],
    ["a node without inputs", { class_type: "A" }, "inputs", "must be an object"],
  ])("names %s", (_, bad, field, reason) => {
    expect(faultOf({ "7": bad })).toEqual(nodeFault("7", field, reason));
  });

  it.each<[string, JsonValue]>([
    ["nothing", null],
    ["a list", []],
    ["text", "{}"],
    ["no nodes", {}],
    ["too many nodes", { a: node, b: node, c: node, d: node }],
  ])("names the workflow where it is %s", (_, value) => {
    expect(faultOf(value)).toMatchObject({
      code: "invalid_workflow",
      details: { field: "workflow" },
    });
  });

  it.each<[string, JsonValue]>([
    ["a value with NUL", { "1": { class_type: "A", inputs: { text: "a\0b" } } }],
    ["a key with NUL", { "1": { class_type: "A", inputs: { deep: [{ "a\0": 1 }] } } }],
    ["half a surrogate pair", { "1": { class_type: "A", inputs: { text: "\ud83d" } } }],
    ["a node id with NUL", { "a\0": node }],
  ])("refuses %s, which the database cannot keep", (_, value) => {
    expect(faultOf(value)).toMatchObject({
      code: "invalid_workflow",
      details: { field: "workflow" },
    });
  });

  it("refuses a node id that is too long, and shows a part of it", () => {
    const { details } = faultOf({ ["x".repeat(10_000)]: node });
    expect(JSON.stringify(details).length).toBeLessThan(600);
  });

  it("leaves prototypes alone whatever nodes are called", () => {
    const value = Object.fromEntries([
      ["__proto__", 1],
      ["constructor", 2],
    ]);
    const { details } = faultOf(value);
    const reason = '[{"field":"node","reason":"must be an object with class_type and inputs"}]';
    const faults = `{"__proto__":${reason},"constructor":${reason}}`;
    expect(JSON.stringify(details)).toBe(`{"node_errors":${faults}}`);
    expect(({} as Record<string, unknown>)["field"]).toBeUndefined();
  });

  it("names at most a hundred faults and says how many there are", () => {
    const many = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`n${index}`, 1]));
    const parsed = parseWorkflow(many, { maxNodes: 1_000 });
    if (parsed.ok) throw new Error("it was accepted");
    const faults = parsed.error.details?.["node_errors"] as object;
    expect(Object.keys(faults)).toHaveLength(100);
    expect(parsed.error.message).toMatch(/^Node n0, node: .* \(and 149 more\)$/u);
  });
});
