import { expect, test } from "vitest";

import { neededNodes } from "./workflow-nodes.ts";

const workflow = {
  "1": { class_type: "Load", inputs: { name: "a" } },
  "2": { class_type: "Work", inputs: { image: ["1", 0], list: ["a", "b"] } },
  "3": { class_type: "Save", inputs: { image: ["2", 0] } },
  "4": { class_type: "Unused", inputs: { image: ["1", 0] } },
};

test("counts what an output needs, and nothing else", () => {
  expect([...neededNodes(workflow, (name) => name === "Save").keys()].sort()).toEqual([
    "1",
    "2",
    "3",
  ]);
});

test("counts everything where no class is known to be an output", () => {
  expect(neededNodes(workflow, () => false).size).toBe(4);
});

test("ends on cycles, links to nowhere and nodes that are none", () => {
  const odd = {
    "1": { class_type: "Save", inputs: { a: ["2", 0], b: ["9", 0], c: null } },
    "2": { class_type: "Work", inputs: { a: ["1", 0] } },
    "3": "text",
  };
  expect([...neededNodes(odd, (name) => name === "Save").keys()].sort()).toEqual(["1", "2"]);
});
