import { readFile, stat, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { safetensorsFile, startModelServer } from "../../test/fakes/model-server.ts";
import { forever, modelFile, modelsFolder, openModelStore } from "../../test/fakes/model-stores.ts";
import { listen } from "./commands/models-serve.ts";
import { runCli } from "./main.ts";

const mebibyte = 1024 * 1024;

interface Run {
  readonly code: number;
  readonly data: unknown;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly stderr: string;
}

/** Commands on one data folder, with `--json`. */
async function cliOn(folder: string, ...args: string[]): Promise<Run> {
  let stdout = "";
  let stderr = "";
  const code = await runCli(["--json", ...args], {
    environment: { HEARTH_MODELS_ALLOW: "127.0.0.1", HEARTH_MODELS_FLOOR_BYTES: "0" },
    folder,
    stdin: (async function* () {})(),
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text), isTTY: true, columns: 100 },
  });
  const { data, error } = JSON.parse(stdout) as Pick<Run, "data" | "error">;
  return { code, data, error, stderr };
}

describe("hearth models", () => {
  test("pulls a model with a bar, places it, lists, pins, verifies and removes it", async () => {
    const folder = await modelsFolder();
    const server = await startModelServer(safetensorsFile(6 * mebibyte));
    server.set({ bytesPerSecond: 8 * mebibyte });
    const model = "loras/ink.safetensors";
    const from = ["--from", server.url, "--sha256", server.sha256, "--into", "comfy/models"];
    const pulled = await cliOn(folder, "models", "pull", model, ...from);
    expect(pulled).toMatchObject({ code: 0, data: [{ model, sha256: server.sha256 }] });
    expect(pulled.stderr).toMatch(/█░* +\d+ % {2}.*MiB of 6\.0 MiB/u);
    const placed = join(folder, "comfy", "models", "loras", "ink.safetensors");
    expect((await readFile(placed)).equals(server.bytes)).toBe(true);
    expect((await cliOn(folder, "models", "pin", model)).code).toBe(0);
    const listed = await cliOn(folder, "models", "ls");
    expect(listed.data).toMatchObject([{ model, pinned: true, bytes: 6 * mebibyte }]);
    expect((await cliOn(folder, "models", "unpin", model)).code).toBe(0);
    expect((await cliOn(folder, "models", "verify")).data).toEqual([{ model, state: "good" }]);
    await writeFile(placed, "broken", { flag: "r+" });
    const damaged = await cliOn(folder, "models", "verify", model);
    expect([damaged.code, damaged.error?.code]).toEqual([1, "checks_failed"]);
    await expect(stat(placed)).rejects.toThrow("ENOENT");
    expect((await cliOn(folder, "models", "ls")).data).toEqual([]);
  });

  test("pulls everything that a lock names, and only once", async () => {
    const folder = await modelsFolder();
    const server = await startModelServer(safetensorsFile(mebibyte));
    const { sha256, url } = server;
    const names = ["a.safetensors", "b.safetensors"];
    const models = names.map((filename) => ({
      folder: "vae",
      filename,
      sha256,
      bytes: mebibyte,
      sources: [url],
    }));
    const lock = {
      schema: "hearth.lock/1",
      name: "test",
      comfyui: {
        repository: "https://github.com/comfyanonymous/ComfyUI",
        version: null,
        commit: null,
      },
      python: null,
      packs: [],
      models,
      pip: [],
      nodeCatalogue: null,
      workflows: [],
      deployment: { warmup: null, comfyuiArguments: [] },
    };
    await writeFile(join(folder, "hearth.lock"), JSON.stringify(lock));
    const pulled = await cliOn(folder, "models", "pull", "--lock", "hearth.lock");
    expect(pulled).toMatchObject({ code: 0, data: [{ sha256 }, { sha256 }] });
    expect(server.sentBytes).toBe(mebibyte);
    expect((await cliOn(folder, "models", "rm", "vae/a.safetensors")).code).toBe(0);
    expect((await cliOn(folder, "models", "gc")).data).toEqual({ freedBytes: 0 });
    expect((await cliOn(folder, "models", "verify")).data).toHaveLength(1);
  });

  test("gives files to a machine that names it as a peer, to those with its token only", async () => {
    const server = await startModelServer(safetensorsFile(40 * mebibyte));
    const owner = await openModelStore();
    const file = modelFile(server.url, { sha256: server.sha256 });
    await owner.fetch(file, { signal: forever });
    const peer = await listen(owner, { host: "127.0.0.1", port: 0 }, "secret");
    onTestFinished(() => void peer.close());
    const peers = [`http://127.0.0.1:${(peer.address() as AddressInfo).port}`];
    server.set({ status: 403 });
    const stranger = await openModelStore({ peers });
    await expect(stranger.fetch(file, { signal: forever })).rejects.toThrow("HTTP 403");
    const tokens = new Map([["127.0.0.1", "secret"]]);
    const friend = await openModelStore({ peers, net: { tokens } });
    const record = await friend.fetch(file, { signal: forever });
    expect(record.from).toBe(`${peers[0]}/${server.sha256}`);
    expect(await friend.verify(record)).toBe("good");
    const other = modelFile(server.url, { filename: "o.safetensors", sha256: "0".repeat(64) });
    await expect(friend.fetch(other, { signal: forever })).rejects.toThrow("HTTP 403");
  });

  test("is served beyond loopback only with a token", async () => {
    const run = await cliOn(await modelsFolder(), "models", "serve", "--host", "0.0.0.0");
    expect(run.error).toMatchObject({ code: "usage" });
    expect(run.error?.message).toContain("HEARTH_MODELS_SERVE_TOKEN");
  });

  test.each([
    [["pull"], "usage"],
    [["pull", "nonsense", "--from", "/x"], "usage"],
    [["pull", "vae/x.safetensors"], "usage"],
    [["pull", "vae/x.ckpt", "--from", "/x"], "model_refused"],
    [["pull", "vae/x.safetensors", "--from", "gopher://x"], "model_refused"],
    [["pull", "vae/x.safetensors", "--from", "/nowhere"], "model_unavailable"],
    [["pull", "vae/x.safetensors", "--from", "http://10.0.0.1/x"], "source_forbidden"],
    [["pin", "vae/none.safetensors"], "usage"],
    [["rm", "vae/none.safetensors"], "usage"],
  ])("%j ends with %s", async (args, code) => {
    const run = await cliOn(await modelsFolder(), "models", ...args);
    expect(run.code).not.toBe(0);
    expect(run.error?.code).toBe(code);
  });
});
