import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { strToU8, zipSync } from "fflate";
import { describe, expect, onTestFinished, test } from "vitest";

import { parseJson } from "../kernel/json.ts";
import { parseLock, type ReleaseLock } from "../models/release-lock.ts";
import { runCli } from "./main.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const sha256Of1024Zeros = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

const workflow = {
  last_node_id: 3,
  version: 0.4,
  nodes: [
    {
      id: 1,
      type: "CheckpointLoaderSimple",
      inputs: [{ name: "ckpt_name", type: "COMBO", widget: { name: "ckpt_name" }, link: null }],
      outputs: [{ name: "MODEL", type: "MODEL" }],
      widgets_values: ["base.safetensors"],
      properties: {
        cnr_id: "comfy-core",
        models: [
          { name: "base.safetensors", directory: "checkpoints", url: "https://example.com/b" },
        ],
      },
    },
    {
      id: 2,
      type: "PackNode",
      inputs: [{ name: "model", type: "MODEL", link: 1 }],
      properties: { cnr_id: "my-pack", ver: "1.2.0" },
    },
  ],
  links: [[1, 1, 0, 2, 0, "MODEL"]],
};

class Folder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<Folder> {
    const path = await mkdtemp(join(tmpdir(), "hearth-release-"));
    onTestFinished(() => rm(path, { recursive: true, force: true }));
    return new Folder(path);
  }

  async write(name: string, contents: string | Uint8Array): Promise<this> {
    await mkdir(dirname(join(this.path, name)), { recursive: true });
    await writeFile(join(this.path, name), contents);
    return this;
  }

  read(name: string): Promise<string> {
    return readFile(join(this.path, name), "utf8");
  }

  async lock(): Promise<ReleaseLock> {
    const lock = parseLock(JSON.parse(await this.read("hearth.lock")));
    if (!lock.ok) throw new Error(lock.error);
    return lock.value;
  }

  /** Runs a command here; gives its exit code and what its one envelope holds. */
  async run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    let stdout = "";
    let stderr = "";
    const code = await runCli(args, {
      environment: {},
      folder: this.path,
      stdin: (async function* () {})(),
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
    });
    return { code, stdout, stderr };
  }
}

/** A ComfyUI folder as far as it is looked at. */
async function comfyuiIn(folder: Folder): Promise<void> {
  await folder.write("ComfyUI/comfyui_version.py", '__version__ = "0.33.0"\n');
  await folder.write("ComfyUI/.git/HEAD", "ref: refs/heads/master\n");
  await folder.write("ComfyUI/.git/refs/heads/master", `${commit}\n`);
  await folder.write("ComfyUI/models/checkpoints/base.safetensors", new Uint8Array(1024));
  const pack = "ComfyUI/custom_nodes/my-pack";
  await folder.write(`${pack}/pyproject.toml`, '[project]\nname = "my-pack"\nversion = "1.2.0"\n');
  await folder.write(`${pack}/.git/HEAD`, `${commit}\n`);
  const config = '[remote "origin"]\n\turl = https://me:secret@github.com/me/my-pack.git\n';
  await folder.write(`${pack}/.git/config`, config);
}

describe("hearth inspect", () => {
  test("shows what a workflow needs, what is here of it and what it will cost", async () => {
    const folder = await Folder.make();
    await comfyuiIn(await folder.write("w.json", JSON.stringify(workflow)));
    const { code, stdout } = await folder.run("inspect", "w.json", "--models", "ComfyUI/models");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /checkpoints\/base\.safetensors +1\.0 KiB +here +https:\/\/example\.com\/b/u,
    );
    expect(stdout).toMatch(/PackNode +1 +named +my-pack 1\.2\.0/u);
    expect(stdout).toContain("GPU memory");
    const json = parseJson((await folder.run("inspect", "w.json", "--json")).stdout, {
      maxDepth: 64,
    });
    expect(json).toMatchObject({
      ok: true,
      value: {
        ok: true,
        data: { format: "editor", modelStates: { "checkpoints/base.safetensors": "downloadable" } },
      },
    });
  });

  test.each([
    ["a file that is not there", "gone.json", /cannot be read/u],
    ["a file that is no workflow", "no.json", /is not a workflow/u],
    ["a picture without one", "no.webp", /holds no workflow/u],
  ])("refuses %s", async (_what, name, reason) => {
    const folder = await Folder.make();
    await folder.write("no.json", "[]");
    await folder.write("no.webp", "RIFF\u0000\u0000\u0000\u0000WEBP");
    const { code, stderr } = await folder.run("inspect", name);
    expect(code).toBe(2);
    expect(stderr).toMatch(reason);
  });
});

describe("hearth init", () => {
  test("writes a manifest and a lock, which says what is still open", async () => {
    const folder = await Folder.make();
    await folder.write("My Picture.json", JSON.stringify(workflow));
    const { code, stderr } = await folder.run("init", "My Picture.json");
    expect(code).toBe(0);
    expect(await folder.read("hearth.yaml")).toBe(
      `name: my-picture
packs:
  - id: my-pack
    version: 1.2.0
models:
  - folder: checkpoints
    filename: base.safetensors
    sources:
      - https://example.com/b
workflows:
  - My Picture.json
`,
    );
    expect(stderr).toContain("open: model checkpoints/base.safetensors: no hash");
    expect(await folder.lock()).toMatchObject({
      name: "my-picture",
      workflows: [{ file: "My Picture.json", models: ["checkpoints/base.safetensors"] }],
    });
    expect((await folder.run("init", "My Picture.json")).stderr).toContain("--force");
  });

  test("takes commits, hashes and sizes from a ComfyUI, and no password with them", async () => {
    const folder = await Folder.make();
    await comfyuiIn(await folder.write("w.json", JSON.stringify(workflow)));
    await folder.run("init", "w.json", "--comfyui-dir", "ComfyUI");
    const lock = await folder.lock();
    expect(lock).toMatchObject({
      comfyui: { version: "v0.33.0", commit },
      packs: [
        { id: "my-pack", version: "1.2.0", repository: "https://github.com/me/my-pack", commit },
      ],
      models: [{ bytes: 1024, sha256: sha256Of1024Zeros, sources: ["https://example.com/b"] }],
    });
    expect(lock.packs[0]?.sha256).toMatch(/^[0-9a-f]{64}$/u);
    expect(JSON.stringify(lock)).not.toContain("secret");
  });

  test("reads what other tools have written", async () => {
    const folder = await Folder.make();
    await folder.write(
      "comfy-build.yaml",
      `schema: comfy-build/1
name: theirs
definition:
  baseComfyVersion: v0.3.40
  models:
    - type: loras/ink
      filename: a.safetensors
      sourceUri: https://example.com/a.safetensors
      sha256: ${sha256Of1024Zeros}
  customNodes:
    - {name: impact, id: comfyui-impact-pack, registryVersion: 8.1.0}
    - {name: other, repository: "https://github.com/a/other", gitRef: ${commit}}
  pipDependencies: |
    --index-url https://example.com
    onnxruntime==1.20.0  # fast
`,
    );
    await folder.write(
      "snapshot.json",
      JSON.stringify({
        comfyui: commit,
        git_custom_nodes: { "https://github.com/b/git.git": { hash: commit, disabled: false } },
        cnr_custom_nodes: { "comfyui-kjnodes": "1.1.0" },
        file_custom_nodes: [{ filename: "mine.py", disabled: false }],
        pips: { numpy: "2.1.0" },
      }),
    );
    const archive = {
      "snapshot.json": strToU8(
        JSON.stringify({
          python: "3.12.3",
          comfyui: commit,
          models: [{ filename: "models/unet/f.safetensors", sha256: sha256Of1024Zeros, size: 9 }],
          custom_nodes: [{ url: "https://github.com/c/cpack", commit_hash: commit }],
        }),
      ),
      "requirements.txt": strToU8("pillow==11.0.0\n"),
    };
    await folder.write("their.cpack.zip", zipSync(archive));
    const { code, stderr } = await folder.run(
      "init",
      "comfy-build.yaml",
      "snapshot.json",
      "their.cpack.zip",
    );
    expect(stderr).toContain("mine.py is a single file");
    expect(code).toBe(0);
    const lock = await folder.lock();
    expect(lock).toMatchObject({
      name: "comfy-build",
      python: "3.12",
      comfyui: { version: "v0.3.40" },
    });
    expect(lock.packs.map(({ id, repository }) => id ?? repository)).toEqual([
      "https://github.com/a/other",
      "https://github.com/b/git",
      "https://github.com/c/cpack",
      "comfyui-impact-pack",
      "comfyui-kjnodes",
    ]);
    expect(lock.models.map(({ folder, filename }) => `${folder}/${filename}`)).toEqual([
      "diffusion_models/f.safetensors",
      "loras/ink/a.safetensors",
    ]);
    expect(lock.pip).toEqual(["numpy==2.1.0", "onnxruntime==1.20.0", "pillow==11.0.0"]);
  });
});

describe("hearth lock", () => {
  test("resolves a changed manifest anew, keeps what was known, and says what changed", async () => {
    const folder = await Folder.make();
    await comfyuiIn(await folder.write("w.json", JSON.stringify(workflow)));
    await folder.run("init", "w.json", "--comfyui-dir", "ComfyUI");
    await folder.write("old.lock", await folder.read("hearth.lock"));
    const manifest = await folder.read("hearth.yaml");
    await folder.write("hearth.yaml", `${manifest.replace("1.2.0", "1.3.0")}pip:\n  - einops\n`);
    const { code, stdout } = await folder.run("lock", "write");
    expect(code).toBe(0);
    expect(stdout).toMatch(/~ +pack +my-pack +1\.2\.0 .* → 1\.3\.0\n\+ +pip +einops +einops/u);
    expect((await folder.lock()).models[0]?.sha256).toBe(sha256Of1024Zeros);
    expect((await folder.run("lock", "diff", "old.lock")).stdout).toBe(stdout);
    expect((await folder.run("lock", "diff", "old.lock", "old.lock")).stdout).toBe("no changes\n");
  });

  test("names the key of a manifest that is wrong", async () => {
    const folder = await Folder.make();
    await folder.write("hearth.yaml", "name: a\nmodels:\n  - {folder: vae, filename: ../x}\n");
    const { code, stderr } = await folder.run("lock", "write");
    expect(code).toBe(2);
    expect(stderr).toContain("models.0.filename must be a relative path");
  });
});
