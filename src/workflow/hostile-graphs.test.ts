import fc from "fast-check";
import { expect, test } from "vitest";

import { parseJson, type JsonObject, type JsonValue } from "../kernel/json.ts";
import { checkAgainstCatalogue } from "./check/catalogue-check.ts";
import { parseNodeCatalogue } from "./node-class.ts";
import { parseWorkflow, type Workflow } from "./parse.ts";
import { requirementsOf } from "./requirements.ts";
import { convertToApi } from "./ui/convert.ts";
import { declaredModels, declaredPacks } from "./ui/declared.ts";
import { parseUiDocument } from "./ui/document.ts";
import { acyclicWorkflow } from "./workflow-arbitrary.suite.ts";

const limits = { maxNodes: 200 };
const value = fc.jsonValue({ maxDepth: 3 }).map((each) => each as JsonValue);
const id = fc.constantFrom<JsonValue>(1, 2, 3, "4", -10, -20);
const catalogue = parseNodeCatalogue({
  A: { input: { required: { x: ["A"], n: ["INT", {}] } }, output: ["A"], output_node: true },
  KSampler: { input: { required: { seed: ["INT", {}] } }, output: ["A"] },
});

/** Nodes that link to anything: themselves, each other in circles, nodes that are not there. */
const tangled = fc.dictionary(
  fc.constantFrom("1", "2", "3", "4"),
  fc.record({
    class_type: fc.constantFrom("A", "KSampler", "Unknown", "constructor"),
    inputs: fc.dictionary(
      fc.constantFrom("x", "n", "width", "text"),
      fc.oneof(
        value,
        fc.tuple(fc.constantFrom("1", "2", "3", "9"), fc.integer()).map((link): JsonValue => link),
      ),
      { noNullPrototype: true },
    ),
  }),
  { minKeys: 1, noNullPrototype: true },
);

const slot = fc.record({
  name: fc.constantFrom("x", "n"),
  type: fc.constant("A"),
  link: fc.oneof(id, fc.constant(null)),
});
const graph = {
  nodes: fc.array(
    fc.record({
      id,
      type: fc.constantFrom("A", "Reroute", "PrimitiveNode", "sub", "sub2", "Unknown"),
      mode: fc.constantFrom(0, 2, 4),
      inputs: fc.array(slot, { maxLength: 3 }),
      outputs: fc.array(slot, { maxLength: 2 }),
      widgets_values: value,
      properties: value,
    }),
    { maxLength: 4 },
  ),
  links: fc.array(fc.tuple(id, id, fc.nat(2), id, fc.nat(2), fc.constant("A")), { maxLength: 6 }),
};
const editor = fc.record({
  ...graph,
  version: fc.constant(0.4),
  models: value,
  definitions: fc.record({
    subgraphs: fc.array(
      fc.record({
        id: fc.constantFrom("sub", "sub2"),
        ...graph,
        inputs: fc.array(slot),
        outputs: fc.array(slot),
      }),
      { maxLength: 2 },
    ),
  }),
});

function readAll(workflow: Workflow, api: JsonObject): void {
  for (const each of [null, catalogue]) {
    expect(requirementsOf(workflow, each).fingerprint).toHaveLength(32);
  }
  expect(checkAgainstCatalogue(api, catalogue)).toHaveProperty("nodeErrors");
}

test("any tangle of nodes is read to its end, without a throw", () => {
  fc.assert(
    fc.property(tangled, (api) => {
      const parsed = parseWorkflow(api, limits);
      if (parsed.ok) readAll(parsed.value, api);
    }),
    { numRuns: 500 },
  );
});

test("any workflow of the editor is converted or refused, also where subgraphs hold each other", () => {
  fc.assert(
    fc.property(editor, (saved) => {
      const document = parseUiDocument(JSON.parse(JSON.stringify(saved)) as JsonValue, limits);
      if (!document.ok) return;
      declaredModels(document.value);
      declaredPacks(document.value);
      const converted = convertToApi(document.value, catalogue, limits);
      if (!converted.ok) return;
      const parsed = parseWorkflow(converted.value.workflow, limits);
      if (parsed.ok) readAll(parsed.value, converted.value.workflow);
    }),
    { numRuns: 1000 },
  );
});

test("any JSON at all is refused or read", () => {
  fc.assert(
    fc.property(value, (each) => {
      parseWorkflow(each, limits);
      parseUiDocument(each, limits);
      expect(parseNodeCatalogue(each)).toBeInstanceOf(Map);
    }),
  );
});

test("what is printed and read again is the same workflow", () => {
  fc.assert(
    fc.property(acyclicWorkflow, (api) => {
      const first = parseWorkflow(api, limits);
      const text = parseJson(JSON.stringify(api), { maxDepth: 64 });
      if (!first.ok || !text.ok) throw new Error("an acyclic workflow must be readable");
      const again = parseWorkflow(text.value, limits);
      expect(again).toEqual(first);
    }),
  );
});
