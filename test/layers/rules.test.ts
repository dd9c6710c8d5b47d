import { describe, expect, it } from "vitest";

import { valueCycles } from "./cycles.ts";
import { projectOf } from "./project.ts";
import { purityViolations, typeHoles } from "./purity.ts";
import { layerViolations } from "./rules.ts";
import { shapeViolations, sizeViolations } from "./sizes.ts";

type Rule = (files: ReturnType<typeof projectOf>) => readonly string[];

const judge = (rule: Rule, path: string, text: string): readonly string[] =>
  rule(projectOf({ [path]: text }));
const lines = (count: number): string => "export const a = 1;\n".repeat(count);

describe("the layer rule", () => {
  it.each([
    ["gateway/a.ts", `import { a } from "../worker/a.ts";`, "gateway may not import worker"],
    ["worker/a.ts", `import type { A } from "../store/store.ts";`, "worker may not import store"],
    ["worker/a.ts", `export * from "../engine/a.ts";`, "worker may not import engine"],
    ["worker/a.ts", `void import("../gateway/a.ts");`, "worker may not import gateway"],
    ["worker/a.ts", `let a: import("../platforms/a.ts").A;`, "worker may not import platforms"],
    ["kernel/a.ts", `import "../queue/job.ts";`, "kernel may not import queue"],
    ["models/a.ts", `import "./io/a.ts";`, "models may not import models/io"],
    ["control/a.ts", `new URL("../engine/a.ts", import.meta.url);`, "may not import engine"],
    ["control/a.ts", `import "../store/postgres/store.ts";`, "only the ports of store"],
    ["gateway/b/a.ts", `import "../../blobs/fs/store.ts";`, "only the ports of blobs"],
    ["control/a.ts", `import "../platforms/local/platform.ts";`, "only the ports of platforms"],
    ["blobs/fs/a.ts", `import "../s3/store.ts";`, "the adapter s3"],
    ["platforms/platform.ts", `import "./local/child.ts";`, "the adapter local"],
    ["cli/a.ts", `import "../../test/store.ts";`, "not shipped"],
    ["cli/a.ts", `import "../store/store.suite.ts";`, "the test file"],
    ["cli/a.ts", `void import(name);`, "cannot be read"],
    ["attic/a.ts", ``, "in no room"],
    ["queue/a.ts", `import "node:fs";`, "a pure room imports node:fs"],
    ["queue/a.ts", `import "undici";`, "a pure room imports undici"],
    [
      "worker/a.ts",
      `import "@aws-sdk/client-s3";`,
      "only blobs/s3/, platforms/ecs/, platforms/lambda/, cli/ may",
    ],
    ["gateway/a.ts", `import "pg";`, "only store/, cli/ may import pg"],
  ])("refuses in %s: %s", (path, text, reason) => {
    expect(judge(layerViolations, path, text)).toEqual([expect.stringContaining(reason)]);
  });

  it.each([
    ["gateway/a.ts", `import "../store/store.ts"; import "../blobs/signed-url.ts";`],
    ["cli/a.ts", `import "../store/postgres/store.ts"; import "../worker/agent.ts";`],
    ["blobs/s3/a.ts", `import "../key.ts"; import "./b.ts"; import "@aws-sdk/client-s3";`],
    ["worker/a.ts", `import manifest from "../../package.json" with { type: "json" };`],
    ["control/a.test.ts", `import "../../test/store.ts"; import "../gateway/server.ts";`],
    ["protocol/a.ts", `import { z } from "zod"; import "../kernel/id.ts";`],
  ])("allows in %s: %s", (path, text) => {
    expect(judge(layerViolations, path, text)).toEqual([]);
  });
});

describe("the purity rule", () => {
  it.each([
    "process.env",
    "console.log(1)",
    "setTimeout(a, 1)",
    "Date.now()",
    "new Date()",
    "new Date",
    "Date()",
    "Math.random()",
    "crypto.randomUUID()",
    "const a = { process }",
  ])("refuses %s", (text) => {
    expect(judge(purityViolations, "queue/a.ts", text)).toHaveLength(1);
    expect(judge(purityViolations, "gateway/a.ts", text)).toEqual([]);
  });

  it.each(["new Date(nowMs)", "Date.parse(text)", "job.process()", "const a = { process: 1 }"])(
    "allows %s",
    (text) => {
      expect(judge(purityViolations, "queue/a.ts", text)).toEqual([]);
    },
  );
});

describe("the cycle rule", () => {
  const cycle = { "a/a.ts": `import "./b.ts";`, "a/b.ts": `import "./c.ts";` };

  it("refuses a circle of value imports, also a late or half-typed one", () => {
    for (const last of [
      `import "./a.ts";`,
      `void import("./a.ts");`,
      `import { type A } from "./a.ts";`,
    ]) {
      const found = valueCycles(
        projectOf({ ...cycle, "a/c.ts": last, "a/d.ts": `import "./a.ts";` }),
      );
      expect(found).toEqual(["these import each other: a/a.ts, a/b.ts, a/c.ts"]);
    }
    expect(judge(valueCycles, "a/a.ts", `import "./a.ts";`)).toHaveLength(1);
  });

  it("allows a circle that types close", () => {
    const closing = `import type { A } from "./a.ts"; export type { B } from "./b.ts";`;
    expect(valueCycles(projectOf({ ...cycle, "a/c.ts": closing }))).toEqual([]);
  });
});

describe("the size rule", () => {
  it("refuses a long file, many long files, and files that are mostly long", () => {
    const short = Object.fromEntries(
      Array.from({ length: 9 }, (_, at) => [`a/${at}.ts`, lines(9)]),
    );
    expect(sizeViolations(projectOf({ ...short, "a/a.ts": lines(400) }))).toEqual([]);
    expect(sizeViolations(projectOf({ ...short, "a/a.ts": lines(401) }))).toHaveLength(1);
    const twoLong = { ...short, "a/a.ts": lines(251), "a/b.ts": lines(251) };
    expect(sizeViolations(projectOf(twoLong))).toEqual(["2 of 11 files have more than 250 lines"]);
    expect(judge(sizeViolations, "a/a.ts", lines(101))).toEqual([
      "the median file has 101 lines of at most 100",
    ]);
  });
});

describe("the shape rule", () => {
  it("refuses barrels and buckets", () => {
    const barrel = `import { a } from "./a.ts"; export { a }; export * from "./b.ts";`;
    expect(judge(shapeViolations, "a/b.ts", barrel)).toEqual(["a/b.ts: only re-exports"]);
    for (const name of ["utils", "helpers", "common", "lib", "types", "misc", "index"]) {
      expect(judge(shapeViolations, `a/${name}.test.ts`, lines(1))).toHaveLength(1);
    }
    expect(judge(shapeViolations, "a/common-ground.ts", lines(1))).toEqual([]);
  });
});

describe("the type rule", () => {
  it("refuses any and what silences the compiler", () => {
    expect(judge(typeHoles, "a/a.ts", "let a: readonly any[];")).toEqual(["a/a.ts:1: uses any"]);
    for (const word of ["ignore", "expect-error", "nocheck"]) {
      expect(judge(typeHoles, "a/a.ts", `// @ts-${word}`)).toHaveLength(1);
    }
    expect(judge(typeHoles, "a/a.ts", "const any = 1; // any")).toEqual([]);
  });
});
