import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { runCli } from "../main.ts";

const lock = {
  schema: "hearth.lock/1",
  name: "pictures",
  comfyui: {
    repository: "https://github.com/comfyanonymous/ComfyUI",
    version: "v0.33.0",
    commit: null,
  },
  python: "3.12",
  packs: [],
  models: [],
  pip: [],
  nodeCatalogue: null,
  workflows: [],
  deployment: { warmup: null, comfyuiArguments: [] },
};

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly folder: string;
}

async function build(document: unknown, ...args: readonly string[]): Promise<Ran> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-build-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "hearth.lock"), JSON.stringify(document));
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCli(["build", ...args], {
    environment: {},
    folder,
    stdin: (async function* none() {})(),
    stdout: { write: (text: string) => out.push(text) > 0 },
    stderr: { write: (text: string) => err.push(text) > 0 },
  });
  return { code, out: out.join(""), err: err.join(""), folder };
}

describe("hearth build", () => {
  it("writes a context and says what the image weighs and where it fits", async () => {
    const { code, out, err, folder } = await build(lock);
    expect(code).toBe(0);
    const files = await readdir(join(folder, "hearth-image"));
    const expected = [".dockerignore", "Dockerfile", "agent", "fetch-source.sh", "hearth.lock"];
    expect(files.sort()).toEqual([...expected, "sbom.cdx.json"]);
    expect(out).toMatch(/torch .*GiB.*\n[^]*docker build -t pictures hearth-image/u);
    expect(out).toMatch(/^runpod +(?:none|[\d.]+ GiB) +yes$/mu);
    expect(err).toContain("warning: comfyui: no commit");
    const dockerfile = await readFile(join(folder, "hearth-image", "Dockerfile"), "utf8");
    expect(dockerfile).toContain("python3.12");
  });

  it("says the same to machines", async () => {
    const { code, out } = await build(lock, "--json", "--out", "image");
    expect(code).toBe(0);
    const { data } = JSON.parse(out) as { data: { name: string; size: { totalBytes: number } } };
    expect(data.name).toBe("pictures");
    expect(data.size.totalBytes).toBeGreaterThan(1_000_000_000);
  });

  it("refuses a release whose ComfyUI would listen to everybody", async () => {
    const deployment = { warmup: null, comfyuiArguments: ["--listen=0.0.0.0"] };
    const { code, err } = await build({ ...lock, deployment });
    expect(code).toBe(1);
    expect(err).toContain("--listen=0.0.0.0");
  });

  it("names what is wrong with a lock", async () => {
    const { code, err } = await build({ ...lock, python: 3.12 });
    expect(code).toBe(1);
    expect(err).toMatch(/hearth\.lock cannot be used: python /u);
  });
});
