import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

import { valueCycles } from "./cycles.ts";
import { importsOf } from "./imports.ts";
import { readProject } from "./project.ts";
import { purityViolations, typeHoles } from "./purity.ts";
import { layerViolations, roomOf } from "./rules.ts";
import { shapeViolations, sizeViolations } from "./sizes.ts";

const files = readProject(fileURLToPath(new URL("../../src", import.meta.url)));

it("sees the whole of src", () => {
  expect(files.length).toBeGreaterThan(50);
  expect(files.flatMap(importsOf).length).toBeGreaterThan(200);
});

it("imports only down the layer table", () => {
  expect(layerViolations(files)).toEqual([]);
});

it("is described room by room in ARCHITECTURE.md", () => {
  const page = readFileSync(new URL("../../ARCHITECTURE.md", import.meta.url), "utf8");
  const table = page.slice(page.search(/\| room +\| may import +\|/u)).split("\n\n", 1)[0] ?? "";
  const rows = table.split("\n").slice(2);
  const described = rows.flatMap((row) => row.split("|")[1]?.split(",") ?? []);
  const standing = new Set(files.map(({ path }) => roomOf(path)));
  expect(described.map((room) => room.trim()).sort()).toEqual([...standing].sort());
});

it("keeps pure rooms pure", () => {
  expect(purityViolations(files)).toEqual([]);
});

it("loads no file in a circle", () => {
  expect(valueCycles(files)).toEqual([]);
});

it("keeps files small", () => {
  expect(sizeViolations(files)).toEqual([]);
});

it("has neither barrels nor buckets", () => {
  expect(shapeViolations(files)).toEqual([]);
});

it("has no holes in its types", () => {
  expect(typeHoles(files)).toEqual([]);
});
