import fc from "fast-check";
import { expect, test } from "vitest";

import type { ComfyEvent, NodeState } from "./comfyui/frames.ts";
import { advance, startProgress, toJobProgress, type ProgressState } from "./progress.ts";

const classes = new Map([
  ["1", "Loader"],
  ["2", "Sampler"],
  ["3", "SaveImage"],
  ["4", "Other"],
]);

function after(events: readonly ComfyEvent[]): ProgressState {
  return events.reduce(advance, startProgress(classes));
}

const executing = (nodeId: string): ComfyEvent => ({ kind: "executing", promptId: "p", nodeId });
const step = (nodeId: string, value: number, max: number): ComfyEvent => {
  return { kind: "step", promptId: "p", nodeId, value, max };
};
const states = (...nodes: NodeState[]): ComfyEvent => ({ kind: "states", promptId: "p", nodes });
const state = (nodeId: string, one: Partial<NodeState> = {}): NodeState => {
  return { nodeId, displayNodeId: nodeId, state: "running", value: 0, max: 1, ...one };
};

test("counts cached nodes as done", () => {
  const shown = toJobProgress(after([{ kind: "cached", promptId: "p", nodes: ["1", "4", "99"] }]));
  expect(shown).toMatchObject({ value: 0.5, nodesDone: 2, nodesTotal: 4 });
});

test("adds the part done of the node at work", () => {
  const shown = toJobProgress(after([executing("1"), executing("2"), step("2", 5, 20)]));
  expect(shown).toMatchObject({
    value: (1 + 0.25) / 4,
    currentNode: "2",
    currentNodeClass: "Sampler",
    step: 5,
    steps: 20,
  });
});

test("takes a node for done when the next one starts, unless snapshots say better", () => {
  expect(after([executing("1"), executing("2")]).done).toEqual(new Set(["1"]));
  const overlapping = after([states(state("1")), executing("1"), executing("2")]);
  expect(overlapping.done).toEqual(new Set());
});

test("gives the parts that a node was expanded into to the node itself", () => {
  const inner = state("2.0.1", { displayNodeId: "2", value: 3, max: 10 });
  const shown = toJobProgress(after([states(state("1", { state: "finished" }), inner)]));
  expect(shown).toMatchObject({ nodesDone: 1, currentNode: "2", step: 3, steps: 10, value: 0.25 });
  const ended = after([states(inner), states({ ...inner, state: "finished" })]);
  expect(ended.done.size).toBe(0);
});

test("sums nodes that work at the same time", () => {
  const shown = after([states(state("1", { value: 1, max: 2 }), state("2", { value: 1, max: 2 }))]);
  expect(shown.value).toBe(0.25);
});

test("shows what a node says of itself until the next one starts", () => {
  const said = after([
    executing("1"),
    { kind: "text", promptId: null, nodeId: "1", text: "x".repeat(900) },
  ]);
  expect(toJobProgress(said).message).toHaveLength(500);
  expect(toJobProgress(advance(said, executing("2"))).message).toBeNull();
});

test("stays the same object where nothing changes", () => {
  const before = after([executing("1")]);
  expect(advance(before, { kind: "other", promptId: "p" })).toBe(before);
  expect(advance(before, executing("1"))).toBe(before);
});

test("never goes back and never leaves 0 to 1, whatever the server says", () => {
  const id = fc.constantFrom("1", "2", "3", "4", "2.1", "unknown");
  const number = fc.double({ min: -5, max: 50, noNaN: true });
  const node = fc.record({
    nodeId: id,
    displayNodeId: id,
    state: fc.constantFrom("running" as const, "finished" as const, "error" as const),
    value: number,
    max: number,
  });
  const event: fc.Arbitrary<ComfyEvent> = fc.oneof(
    fc.record({ kind: fc.constant("executing" as const), promptId: fc.constant("p"), nodeId: id }),
    fc.record({ kind: fc.constant("executed" as const), promptId: fc.constant("p"), nodeId: id }),
    fc.record({
      kind: fc.constant("step" as const),
      promptId: fc.constant("p"),
      nodeId: id,
      value: number,
      max: number,
    }),
    fc.record({
      kind: fc.constant("states" as const),
      promptId: fc.constant("p"),
      nodes: fc.array(node, { maxLength: 4 }),
    }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      let current = startProgress(classes);
      for (const one of events) {
        const next = advance(current, one);
        expect(next.value).toBeGreaterThanOrEqual(current.value);
        expect(next.value).toBeLessThanOrEqual(1);
        expect(next.done.size).toBeLessThanOrEqual(classes.size);
        current = next;
      }
    }),
  );
});
