import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { JsonValue } from "../kernel/json.ts";
import { findCycle } from "./links.ts";
import type { Workflow } from "./parse.ts";
import { validateWorkflow, type ClassCatalogue } from "./validate.ts";

const catalogue: ClassCatalogue = {
  EmptyImage: { isOutput: false, fileInputs: [] },
  ImageInvert: { isOutput: false, fileInputs: [] },
  SaveImage: { isOutput: true, fileInputs: [] },
};

/** A workflow written as `id: [class, inputs]`. */
function workflow(nodes: Record<string, [string, Record<string, JsonValue>]>): Workflow {
  const entries = Object.entries(nodes);
  return new Map(entries.map(([id, [classType, inputs]]) => [id, { classType, inputs }]));
}

/** Nodes named by number, each linking to those given. */
function graph(links: readonly (readonly number[])[]): Workflow {
  return new Map(
    links.map((sources, id) => {
      const inputs = sources.map((source, index) => [`in${index}`, [String(source), 0]] as const);
      return [String(id), { classType: "EmptyImage", inputs: Object.fromEntries(inputs) }];
    }),
  );
}

function faultsOf(value: Workflow, classes: ClassCatalogue | null = catalogue): unknown {
  return validateWorkflow(value, classes)?.details;
}

describe("judging a workflow", () => {
  const sound = workflow({
    "1": ["EmptyImage", { width: 8 }],
    "2": ["ImageInvert", { image: ["1", 0] }],
    "3": ["SaveImage", { images: ["2", 0] }],
  });

  it("accepts one that can run, with and without a catalogue", () => {
    expect(validateWorkflow(sound, catalogue)).toBeUndefined();
    expect(validateWorkflow(sound, null)).toBeUndefined();
  });

  it.each<[string, JsonValue, string]>([
    ["a link to a node that is missing", ["9", 0], "links to node 9, which is missing"],
    ["a negative slot", ["1", -1], "links to a bad slot"],
    ["a slot that is no whole number", ["1", 0.5], "links to a bad slot"],
  ])("names %s", (_, link, reason) => {
    const bad = workflow({ "1": ["EmptyImage", {}], "3": ["SaveImage", { images: link }] });
    expect(faultsOf(bad)).toEqual({ node_errors: { "3": [{ field: "images", reason }] } });
  });

  it("reads nothing but a bare pair of id and slot as a link", () => {
    const values = {
      a: { __value__: ["9", 0] },
      b: ["9"],
      c: [9, 0],
      d: ["9", "0"],
      e: ["a", 1, 2],
    };
    expect(faultsOf(workflow({ "3": ["SaveImage", values] }))).toBeUndefined();
  });

  it("names an unknown class and the one that was meant", () => {
    const bad = workflow({ "3": ["Saveimage", {}] });
    const reason = "unknown class Saveimage; did you mean SaveImage?";
    expect(faultsOf(bad)).toEqual({ node_errors: { "3": [{ field: "class_type", reason }] } });
    expect(faultsOf(bad, null)).toBeUndefined();
  });

  it.each(["SaveImage\u200b", "Save Image", "\uff33aveImage", "SavImage", "saveimage"])(
    "sees through the look-alike %j",
    (name) => {
      const details = JSON.stringify(faultsOf(workflow({ "3": [name, {}] })));
      expect(details).toContain("did you mean SaveImage?");
    },
  );

  it("suggests nothing for a name that is like none", () => {
    const details = JSON.stringify(faultsOf(workflow({ "3": ["QwertyUiopAsdf", {}] })));
    expect(details).toContain("unknown class QwertyUiopAsdf");
    expect(details).not.toContain("did you mean");
  });

  it.each(["constructor", "toString", "__proto__"])("knows no class called %s", (name) => {
    expect(JSON.stringify(faultsOf(workflow({ "3": [name, {}] })))).toContain("unknown class");
  });

  it("wants an output node where it knows which nodes are outputs", () => {
    const none = workflow({ "1": ["EmptyImage", {}] });
    expect(faultsOf(none)).toMatchObject({ field: "workflow" });
    expect(faultsOf(none, null)).toBeUndefined();
  });

  it("shows a cycle, and a node that links to itself", () => {
    const ring = workflow({
      a: ["ImageInvert", { image: ["b", 0] }],
      b: ["ImageInvert", { image: ["a", 0] }],
    });
    expect(JSON.stringify(faultsOf(ring))).toContain("is part of a cycle: a ← b ← a");
    const self = workflow({ a: ["ImageInvert", { image: ["a", 0] }] });
    expect(JSON.stringify(faultsOf(self))).toContain("is part of a cycle: a ← a");
  });

  it("finds a cycle exactly where no order of the nodes exists", () => {
    const size = 8;
    const links = fc.array(fc.array(fc.nat(size - 1), { maxLength: 3 }), {
      minLength: size,
      maxLength: size,
    });
    fc.assert(
      fc.property(links, (sources) => {
        const cycle = findCycle(graph(sources));
        expect(cycle === undefined).toBe(hasOrder(sources));
        for (const [at, id] of (cycle ?? []).entries()) {
          const next = cycle?.[(at + 1) % cycle.length];
          expect(sources[Number(id)]?.map(String)).toContain(next);
        }
      }),
    );
  });

  it("takes 200,000 nodes in a chain, and in a ring", () => {
    const chain = graph(Array.from({ length: 200_000 }, (_, id) => (id === 0 ? [] : [id - 1])));
    const ring = graph(Array.from({ length: 200_000 }, (_, id) => [(id + 1) % 200_000]));
    const startMs = performance.now();
    expect(validateWorkflow(chain, null)).toBeUndefined();
    expect(validateWorkflow(ring, null)?.message).toContain("is part of a cycle");
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });

  it("judges thousands of unknown classes against thousands of known ones at once", () => {
    const classes = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, index) => [
        `KnownClassNumber${index}`,
        { isOutput: true, fileInputs: [] },
      ]),
    );
    const bad = new Map(
      Array.from({ length: 5_000 }, (_, index) => [
        String(index),
        { classType: `KnownClasNumbr${index}x`, inputs: {} },
      ]),
    );
    const startMs = performance.now();
    expect(validateWorkflow(bad, classes)?.code).toBe("invalid_workflow");
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });
});

/** Whether the nodes can be run one after the other, found by taking away those that are ready. */
function hasOrder(sources: readonly (readonly number[])[]): boolean {
  const left = new Set(sources.keys());
  for (let before = -1; before !== left.size;) {
    before = left.size;
    for (const id of left) if (!sources[id]?.some((source) => left.has(source))) left.delete(id);
  }
  return left.size === 0;
}
