import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";

import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";

import { parseNodeCatalogue } from "../../workflow/node-class.ts";
import type { Io } from "../output.ts";
import { distinctNames, safeFileName } from "./file-name.ts";
import { formatProgress, milestoneOf } from "./progress-line.ts";
import { assignInput, parseInput, parsePairs, parseSet } from "./values.ts";
import { readWorkflow } from "./workflow-file.ts";

const workflow = {
  "3": { class_type: "KSampler", inputs: { seed: 1, steps: 20 } },
  "10": { class_type: "LoadImage", inputs: { image: "a.png" } },
  "11:2": { class_type: "SaveImage", inputs: {} },
  "12": { class_type: "SaveImage", inputs: {} },
};

describe("inputs on the command line", () => {
  it.each([
    ["3.seed=7", { node: "3", input: "seed", value: { kind: "value", value: 7 } }],
    ["3.on=true", { node: "3", input: "on", value: { kind: "value", value: true } }],
    ["6.text=a cat", { node: "6", input: "text", value: { kind: "value", value: "a cat" } }],
    ["11:2.x=[1,2]", { node: "11:2", input: "x", value: { kind: "value", value: [1, 2] } }],
    ["6.text=a=b.c", { node: "6", input: "text", value: { kind: "value", value: "a=b.c" } }],
    ["6.text=", { node: "6", input: "text", value: { kind: "value", value: "" } }],
  ])("--set reads %s", (text, expected) => {
    expect(parseSet(text)).toEqual({ ok: true, value: expected });
  });

  it("--input takes text as it is and @ as a file", () => {
    expect(parseInput("6.text=7")).toMatchObject({ value: { value: { value: "7" } } });
    expect(parseInput("10.image=@a b.png")).toMatchObject({
      value: { value: { kind: "file", path: "a b.png" } },
    });
  });

  it.each(["seed=7", "3.seed", "=7", ".seed=7", "3.=7", ""])("refuses %j", (text) => {
    expect(parseSet(text).ok).toBe(false);
  });

  it("refuses a file without a name and a label given twice", () => {
    expect(parseInput("10.image=@").ok).toBe(false);
    expect(parsePairs(["a=1", "a=2"])).toEqual({ ok: false, error: 'the key "a" occurs twice' });
    expect(parsePairs(["a=1=2", "b="])).toEqual({ ok: true, value: { a: "1=2", b: "" } });
  });

  it("reach the node by its id, or by a class that occurs once, in a copy", () => {
    const byId = assignInput(workflow, { node: "3", input: "seed", value: 9 });
    const byClass = assignInput(workflow, { node: "KSampler", input: "seed", value: 9 });
    expect(byId).toEqual(byClass);
    expect(byId).toMatchObject({ value: { "3": { inputs: { seed: 9, steps: 20 } } } });
    expect(workflow["3"].inputs.seed).toBe(1);
  });

  it("say what there is where the node is not found or not the only one", () => {
    const missing = assignInput(workflow, { node: "4", input: "seed", value: 9 });
    expect(missing).toMatchObject({ error: expect.stringContaining("3 (KSampler)") as string });
    const twice = assignInput(workflow, { node: "SaveImage", input: "x", value: 9 });
    expect(twice).toMatchObject({ error: expect.stringContaining("12, 11:2") as string });
  });
});

describe("names of saved files", () => {
  it.each([
    ["a.png", "a.png"],
    ["../../etc/passwd", "passwd"],
    ["a\\b\\c.png", "c.png"],
    ["", "output"],
    ["..", "_"],
    [".bashrc", "_bashrc"],
    ["con.png", "_con.png"],
    ["a\u0000b\u202E.png", "a_b_.png"],
    ['a<>:"|?*.png', "a_______.png"],
    ["name. ", "name"],
  ])("%j becomes %j", (name, expected) => {
    expect(safeFileName(name)).toBe(expected);
  });

  it("stay in their folder and short, whatever they were", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (name) => {
        const safe = safeFileName(name);
        expect(safe).toMatch(/^[^/\\\p{Cc}]+$/u);
        expect([".", ".."]).not.toContain(safe);
        expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(210);
      }),
    );
    expect(safeFileName(`${"é".repeat(300)}.png`)).toMatch(/é\.png$/u);
  });

  it("are distinct within a job, also where the system ignores case", () => {
    const names = distinctNames([
      { name: "a.png", node_id: "9" },
      { name: "A.png", node_id: "10" },
      { name: "a.png", node_id: "10" },
      { name: "x/a.png", node_id: "" },
    ]);
    expect(names).toEqual(["a.png", "A-10.png", "a-10-2.png", "a-node.png"]);
  });
});

describe("the progress line", () => {
  const running = {
    status: "running",
    queuePosition: null,
    progress: {
      value: 0.5,
      nodes_done: 1,
      nodes_total: 3,
      current_node_class: "KSampler",
      step: 12,
      steps: 20,
    },
  } as const;

  it("shows share, nodes and step, and never more than fits", () => {
    expect(formatProgress(running, 100)).toBe(
      `${"█".repeat(12)}${"░".repeat(12)}  50 %  1/3 nodes  KSampler 12/20`,
    );
    expect(formatProgress(running, 40)).toHaveLength(39);
  });

  it("shows the place in the queue", () => {
    const queued = { status: "queued", queuePosition: 4, progress: null } as const;
    expect(formatProgress(queued, 80)).toBe("queued, 4 ahead");
  });

  it("has a milestone for each tenth part", () => {
    expect(milestoneOf({ ...running, progress: { ...running.progress, value: 0.59 } })).toBe(
      "running 50 %",
    );
  });
});

describe("workflow files", () => {
  const io = (folder: string, stdin = ""): Io => ({
    environment: {},
    folder,
    stdin: (async function* () {
      yield Buffer.from(stdin);
    })(),
    stdout: { write: () => true },
    stderr: { write: () => true },
  });

  const folderWith = async (name: string, contents: string | Buffer): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), "hearth-run-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, name), contents);
    return folder;
  };

  it("are read from a file and from standard input", async () => {
    const folder = await folderWith("w.json", JSON.stringify(workflow));
    expect(await readWorkflow("w.json", io(folder))).toEqual(workflow);
    expect(await readWorkflow("-", io(folder, '{"1":{}}'))).toEqual({ "1": {} });
  });

  it("are found in a picture that ComfyUI made, with Python's NaN in it", async () => {
    const text = '{"1": {"class_type": "X", "inputs": {}, "is_changed": [NaN]}}';
    const folder = await folderWith("p.png", pngWith("prompt", text));
    expect(await readWorkflow("p.png", io(folder))).toMatchObject({ "1": { class_type: "X" } });
  });

  it.each([
    ["w.json", "[1]"],
    ["w.json", "{"],
    ["other.json", "{}"],
    ["p.png", pngWith("parameters", "x")],
  ])("are refused with a reason: %s", async (name, contents) => {
    const folder = await folderWith(name === "other.json" ? "w.json" : name, contents);
    await expect(readWorkflow(name, io(folder))).rejects.toMatchObject({ code: "usage" });
  });

  it("of the editor are converted where a node catalogue says how", async () => {
    const saved = { nodes: [{ id: 1, type: "X", widgets_values: [5] }], links: [], version: 0.4 };
    const folder = await folderWith("w.json", JSON.stringify(saved));
    const input = { required: { steps: ["INT", {}] } };
    const catalogue = parseNodeCatalogue({ X: { input, output: [] } });
    expect(await readWorkflow("w.json", io(folder), catalogue)).toMatchObject({
      "1": { class_type: "X", inputs: { steps: 5 } },
    });
    await expect(readWorkflow("w.json", io(folder))).rejects.toMatchObject({
      message: "w.json is in the editor's format.",
    });
  });

  it("of the examples are in API format", async () => {
    const folder = new URL("../../../examples/", import.meta.url);
    for (const name of ["first-picture", "invert-upload", "collage"]) {
      const parsed = JSON.parse(await readFile(new URL(`${name}.json`, folder), "utf8")) as object;
      for (const node of Object.values(parsed)) expect(node).toHaveProperty("class_type");
    }
  });
});

function pngWith(keyword: string, text: string): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("tEXt", Buffer.from(`${keyword}\0${text}`, "latin1")),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
