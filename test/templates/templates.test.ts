import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { judge, type Agreement } from "./judge.ts";
import { findTemplates, readTemplates } from "./package.ts";

const environment = fileURLToPath(new URL("../../.cache/python", import.meta.url));
/** `.ci/run` sets the environment up; elsewhere it is optional. */
const isHere = existsSync(environment) || process.env["CI"] === "true";
if (!isHere) {
  console.warn(
    "LEFT OUT: workflows of others; install comfyui-workflow-templates-json as .ci/run does",
  );
}

test.runIf(isHere)(
  "reads hundreds of workflows that others made, and agrees with what they say of themselves",
  async () => {
    const folder = await findTemplates(environment);
    if (folder === undefined) {
      throw new Error("comfyui-workflow-templates-json is not in .cache/python; run .ci/run");
    }
    const templates = await readTemplates(folder);
    const judgements = templates.map(({ name, value }) => judge(name, value, null, null));
    expect(judgements.length).toBeGreaterThan(600);
    expect(judgements.filter(({ fault }) => fault !== null)).toEqual([]);

    // Without a node catalogue: what loaders newer than the table load is found only by the file.
    const [agreed, fileOnly, oursOnly] = count(judgements.map(({ models }) => models));
    expect(oursOnly).toBe(0);
    expect(agreed).toBeGreaterThan(950);
    expect(fileOnly).toBeLessThan(10);
  },
);

function count(
  all: readonly Agreement[],
): readonly [agreed: number, fileOnly: number, oursOnly: number] {
  const sum = (key: keyof Agreement): number =>
    all.reduce((total, each) => total + each[key].length, 0);
  return [sum("agreed"), sum("fileOnly"), sum("oursOnly")];
}
