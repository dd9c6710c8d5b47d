import fc from "fast-check";
import { expect, test } from "vitest";

import { parseLosslessJson } from "../kernel/lossless-json.ts";
import type { JsonObject, JsonValue } from "../kernel/json.ts";
import { canonicalText } from "./canonical.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { parseWorkflow, type Workflow } from "./parse.ts";
import { acyclicWorkflow, renamed, type ApiWorkflow } from "./workflow-arbitrary.suite.ts";

function read(value: JsonValue): Workflow {
  const parsed = parseWorkflow(value, { maxNodes: 1_000_000 });
  if (!parsed.ok) throw parsed.error;
  return parsed.value;
}

const exact = (value: JsonValue): string => fingerprintOf(read(value), "exact");

function node(classType: string, inputs: JsonObject): ApiWorkflow[string] {
  return { class_type: classType, inputs };
}

test("gives equal workflows one fingerprint, whatever their ids and the order of keys", () => {
  fc.assert(
    fc.property(acyclicWorkflow, fc.constantFrom("a", "17:", "é"), (workflow, prefix) => {
      expect(exact(renamed(workflow, prefix))).toBe(exact(workflow));
    }),
  );
});

test("gives workflows that differ in one value, class or link different fingerprints", () => {
  fc.assert(
    fc.property(acyclicWorkflow, fc.nat(), (workflow, pick) => {
      const ids = Object.keys(workflow);
      const id = ids[pick % ids.length]!;
      const { class_type, inputs } = workflow[id]!;
      const before = exact(workflow);
      expect(exact({ ...workflow, [id]: node(`${class_type}2`, inputs) })).not.toBe(before);
      const more = { ...inputs, another: 1 };
      expect(exact({ ...workflow, [id]: node(class_type, more) })).not.toBe(before);
      expect(exact({ ...workflow, extra: node("A", {}) })).not.toBe(before);
    }),
  );
});

test("tells one node that feeds two inputs from two equal nodes that feed one each", () => {
  const noise = node("Noise", { seed: 1 });
  const shared = { a: noise, b: noise, mix: node("Mix", { left: ["a", 0], right: ["a", 0] }) };
  const split = { a: noise, b: noise, mix: node("Mix", { left: ["a", 0], right: ["b", 0] }) };
  expect(exact(shared)).not.toBe(exact(split));
});

test("tells the slots of a link apart, and a link from the list of the same words", () => {
  const first = { a: node("A", {}), b: node("B", { x: ["a", 0] }) };
  expect(exact(first)).not.toBe(exact({ ...first, b: node("B", { x: ["a", 1] }) }));
  expect(exact(first)).not.toBe(exact({ ...first, b: node("B", { x: { link: 0 } }) }));
});

test("gives twenty thousand chains that differ in one digit different fingerprints", () => {
  const seen = new Set<string>();
  for (let step = 0; step < 20_000; step++) {
    seen.add(
      exact({ a: node("A", { steps: step }), b: node("B", { x: ["a", 0], cfg: step % 7 }) }),
    );
  }
  expect(seen.size).toBe(20_000);
});

test("leaves out seeds, and for the cost also texts, files and picture sizes", () => {
  const make = (seed: number, text: string, image: string, width: number): Workflow =>
    read({
      sampler: node("KSampler", { seed, steps: 20, text: ["prompt", 0], image: ["load", 0] }),
      prompt: node("CLIPTextEncode", { text }),
      load: node("LoadImage", { image }),
      latent: node("EmptyLatentImage", { width, height: 512, batch_size: 1 }),
    });
  const one = make(1, "a cat", "a.png", 512);
  const reseeded = make(2, "a cat", "a.png", 512);
  const another = make(3, "a dog", "b.png", 768);
  expect(fingerprintOf(reseeded, "exact")).not.toBe(fingerprintOf(one, "exact"));
  expect(fingerprintOf(reseeded, "seedless")).toBe(fingerprintOf(one, "seedless"));
  expect(fingerprintOf(another, "seedless")).not.toBe(fingerprintOf(one, "seedless"));
  expect(fingerprintOf(another, "cost")).toBe(fingerprintOf(one, "cost"));
});

test("keeps every digit of a seed beyond 2^53", () => {
  const withSeed = (seed: string): JsonValue =>
    parseLosslessJson(`{"a":{"class_type":"KSampler","inputs":{"seed":${seed}}}}`);
  expect(exact(withSeed("18446744073709551615"))).not.toBe(exact(withSeed("18446744073709551614")));
  const seedless = (seed: string): string => fingerprintOf(read(withSeed(seed)), "seedless");
  expect(seedless("18446744073709551615")).toBe(seedless("5"));
});

test("takes a chain of two hundred thousand nodes and values of any depth without recursion", () => {
  const chain: ApiWorkflow = { n0: node("A", {}) };
  for (let at = 1; at < 200_000; at++) chain[`n${at}`] = node("A", { x: [`n${at - 1}`, 0] });
  expect(fingerprintOf(read(chain), "cost")).toMatch(/^[0-9a-f]{32}$/u);
  let deep: JsonValue = 1;
  for (let at = 0; at < 100_000; at++) deep = { v: deep };
  expect(canonicalText(deep)).toHaveLength(6 * 100_000 + 1);
});

test("answers for workflows with cycles and missing nodes", () => {
  const cyclic = { a: node("A", { x: ["b", 0] }), b: node("B", { x: ["a", 0], y: ["gone", 0] }) };
  expect(exact(cyclic)).toHaveLength(32);
});
