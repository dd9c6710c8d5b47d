import { expect, test } from "vitest";

import { diffLocks } from "./lock-diff.ts";
import { lockGaps, parseLock, printLock, type ReleaseLock } from "./release-lock.ts";
import { parseManifest } from "./release-manifest.ts";

const commit = "783545f6".padEnd(40, "0");
const hash = "ab".repeat(32);

function lockWith(changes: Partial<ReleaseLock> = {}): ReleaseLock {
  return {
    schema: "hearth.lock/1",
    name: "pictures",
    comfyui: {
      repository: "https://github.com/comfyanonymous/ComfyUI",
      version: "v0.33.0",
      commit,
    },
    python: "3.12",
    packs: [{ id: "impact", version: "8.1.0", repository: null, commit: null, sha256: null }],
    models: [
      {
        folder: "checkpoints",
        filename: "SDXL/base.safetensors",
        sha256: hash,
        bytes: 6_938_078_334,
        sources: ["https://example.com/base.safetensors"],
      },
    ],
    pip: ["onnxruntime==1.20.0"],
    nodeCatalogue: null,
    workflows: [],
    deployment: { warmup: null, comfyuiArguments: [] },
    ...changes,
  };
}

function readBack(lock: ReleaseLock): ReturnType<typeof parseLock> {
  return parseLock(JSON.parse(printLock(lock)));
}

test("reads back what it prints, and prints the same text for any order of entries", () => {
  const [model] = lockWith().models;
  const models = [model!, { ...model!, folder: "vae" }];
  expect(readBack(lockWith({ models }))).toEqual({ ok: true, value: lockWith({ models }) });
  expect(printLock(lockWith({ models: models.toReversed() }))).toBe(
    printLock(lockWith({ models })),
  );
});

test.each([
  ["a hash that is none", { sha256: "abc" }, "models.0.sha256 must be 64 lower-case hex digits"],
  [
    "a way out of the folder",
    { filename: "../x.safetensors" },
    "models.0.filename must be a relative path",
  ],
  ["an absolute path", { filename: "/etc/x" }, "models.0.filename must be a relative path"],
  ["a drive", { filename: "C:/x" }, "models.0.filename must be a relative path"],
  ["a folder of folders", { folder: "a/b" }, "models.0.folder must be one name"],
  [
    "a password in a source",
    { sources: ["https://me:secret@example.com/x"] },
    "must not hold credentials",
  ],
  ["a key that nobody knows", { size: 3 }, "models.0.size is not a key that it knows"],
])("refuses %s, naming where", (_what, change, reason) => {
  const [model] = lockWith().models;
  const parsed = parseLock({ ...lockWith(), models: [{ ...model, ...change }] });
  expect(parsed).toMatchObject({ ok: false, error: expect.stringContaining(reason) });
});

test("refuses a model that is named twice", () => {
  const { models } = lockWith();
  expect(readBack(lockWith({ models: [...models, ...models] }))).toEqual({
    ok: false,
    error: "models names checkpoints/SDXL/base.safetensors twice",
  });
});

test("says what a lock leaves open", () => {
  expect(lockGaps(lockWith())).toEqual([]);
  const open = lockWith({
    comfyui: { ...lockWith().comfyui, commit: null },
    packs: [
      { id: null, version: null, repository: "https://github.com/a/b", commit: null, sha256: null },
    ],
    models: [{ folder: "vae", filename: "x.sft", sha256: null, bytes: null, sources: [] }],
  });
  expect(lockGaps(open)).toEqual([
    "comfyui: no commit",
    "pack a/b: neither a version nor a commit",
    "model vae/x.sft: no hash",
    "model vae/x.sft: no source",
  ]);
});

test("tells two locks apart line by line", () => {
  const [model] = lockWith().models;
  const after = lockWith({
    comfyui: { ...lockWith().comfyui, version: "v0.34.0" },
    packs: [],
    models: [
      { ...model!, bytes: 1024 },
      { ...model!, folder: "vae" },
    ],
    pip: ["onnxruntime==1.21.0"],
  });
  expect(diffLocks(lockWith(), lockWith())).toEqual([]);
  expect(
    diffLocks(lockWith(), after).map(
      ({ kind, subject, name, detail }) => `${kind} ${subject} ${name}: ${detail}`,
    ),
  ).toEqual([
    "changed comfyui : v0.33.0 783545f60000 → v0.34.0 783545f60000",
    "removed pack impact: 8.1.0",
    "changed model checkpoints/SDXL/base.safetensors: 6.5 GiB, abababababab, https://example.com/base.safetensors → 1.0 KiB, abababababab, https://example.com/base.safetensors",
    "added model vae/SDXL/base.safetensors: 6.5 GiB, abababababab, https://example.com/base.safetensors",
    "changed pip onnxruntime: onnxruntime==1.20.0 → onnxruntime==1.21.0",
  ]);
});

test("reads a manifest of a name alone, and names the key that is wrong", () => {
  expect(parseManifest({ name: "pictures" })).toMatchObject({
    ok: true,
    value: { models: [], packs: [], deployment: { comfyuiArguments: [] } },
  });
  expect(parseManifest({ name: "Pictures" })).toMatchObject({
    ok: false,
    error: expect.stringContaining("name must have a-z"),
  });
  expect(parseManifest({ name: "p", packs: [{ version: "1" }] })).toMatchObject({
    ok: false,
    error: "packs.0 must name an id of the registry or a repository",
  });
  expect(parseManifest({ name: "p", pip: ["--extra-index-url x"] })).toMatchObject({ ok: false });
});
