/**
 * Holds what Hearth reads off workflows against workflows that others made: those of the PyPI
 * package `comfyui-workflow-templates-json`. Prints one row a family.
 *
 *   npm run check:templates -- [--templates DIR] [--catalogue FILE] [--reference DIR] [--details]
 *
 * `--catalogue`: a saved `/object_info`. `--reference`: what ComfyUI's editor exports for each
 * file, by file name; written by scripts of your own, since the editor needs a browser.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { formatTable } from "../src/cli/table.ts";
import { isJsonObject, type JsonObject } from "../src/kernel/json.ts";
import { parseLosslessJson } from "../src/kernel/lossless-json.ts";
import { parseNodeCatalogue } from "../src/workflow/node-class.ts";
import { judge, type Judgement } from "../test/templates/judge.ts";
import { findTemplates, readTemplates } from "../test/templates/package.ts";

interface Row {
  readonly family: string;
  readonly judgements: readonly Judgement[];
}

const { values } = parseArgs({
  options: {
    templates: { type: "string" },
    catalogue: { type: "string" },
    reference: { type: "string" },
    details: { type: "boolean", default: false },
  },
});

const folder = values.templates ?? (await findTemplates(".cache/python"));
if (folder === undefined) {
  console.error("Not installed: .cache/python/bin/pip install comfyui-workflow-templates-json");
  process.exit(1);
}
const catalogue =
  values.catalogue === undefined
    ? null
    : parseNodeCatalogue(parseLosslessJson(await readFile(values.catalogue, "utf8")));

const families = new Map<string, Judgement[]>();
for (const { name, family, value } of await readTemplates(folder)) {
  const judgement = judge(name, value, catalogue, await referenceOf(name));
  families.set(family, [...(families.get(family) ?? []), judgement]);
}
const rows: Row[] = [...families].map(([family, judgements]) => ({ family, judgements }));
const all = { family: "all", judgements: rows.flatMap(({ judgements }) => judgements) };
console.log(formatTable([...rows, all], columns()));
if (values.details) printDetails(all.judgements);
process.exitCode = all.judgements.some(({ fault }) => fault !== null) ? 1 : 0;

async function referenceOf(name: string): Promise<JsonObject | null> {
  if (values.reference === undefined) return null;
  const text = await readFile(join(values.reference, `${name}.json`), "utf8").catch(() => "null");
  const value = parseLosslessJson(text);
  return isJsonObject(value) && !Object.hasOwn(value, "__error") ? value : null;
}

function columns(): Parameters<typeof formatTable<Row>>[1] {
  const column = (title: string, text: (judgements: readonly Judgement[]) => string) =>
    ({ title, text: (row: Row) => text(row.judgements), align: "right" }) as const;
  return [
    { title: "FAMILY", text: ({ family }) => family },
    column("FILES", (list) => String(list.length)),
    column("READ", (list) => count(list, ({ fault }) => fault === null)),
    column("MODELS =", (list) => sum(list, ({ models }) => models.agreed.length)),
    column("FILE ONLY", (list) => sum(list, ({ models }) => models.fileOnly.length)),
    column("OURS ONLY", (list) => sum(list, ({ models }) => models.oursOnly.length)),
    column("PACKS =", (list) => sum(list, ({ packs }) => packs.agreed.length)),
    column("≠", (list) => sum(list, ({ packs }) => packs.fileOnly.length)),
    column("CLASSES KNOWN", (list) => count(list, (each) => each.unknownClasses.length === 0)),
    column("SAME", (list) => count(list, (each) => each.comparison === "same")),
    column("EDITOR'S OWN", (list) => count(list, (each) => each.comparison.startsWith("same but"))),
    column("DIFFERENT", (list) => count(list, (each) => each.comparison === "different")),
    column("NO REFERENCE", (list) => count(list, (each) => each.comparison === "none")),
  ];
}

function count(judgements: readonly Judgement[], is: (each: Judgement) => boolean): string {
  return String(judgements.filter((each) => is(each)).length);
}

function sum(judgements: readonly Judgement[], of: (each: Judgement) => number): string {
  return String(judgements.reduce((total, each) => total + of(each), 0));
}

function printDetails(judgements: readonly Judgement[]): void {
  for (const { name, fault, models, packs, comparison, unknownClasses } of judgements) {
    const isKnown = unknownClasses.length === 0;
    if (fault !== null) console.log(`${name}: not read: ${fault}`);
    for (const each of models.fileOnly) console.log(`${name}: model of the file only: ${each}`);
    for (const each of models.oursOnly) console.log(`${name}: model not declared: ${each}`);
    for (const each of packs.fileOnly) console.log(`${name}: pack: ${each}`);
    if (!isKnown) console.log(`${name}: unknown classes: ${unknownClasses.join(", ")}`);
    if (comparison === "different" && isKnown) console.log(`${name}: converted otherwise`);
  }
}
