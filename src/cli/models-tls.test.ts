import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { loopbackCertificate } from "../../test/fakes/loopback-certificate.ts";
import { safetensorsFile, startModelServer } from "../../test/fakes/model-server.ts";
import { modelsFolder } from "../../test/fakes/model-stores.ts";
import { packagePath } from "./package-paths.ts";

const mebibyte = 1024 * 1024;

/** The command in a process of its own: Node reads the authorities to trust at its start. */
async function pull(folder: string, url: string, trusted: Readonly<Record<string, string>>) {
  const args = ["--no-warnings", packagePath("bin/hearth.mjs"), "--json", "models", "pull"];
  const env = {
    PATH: process.env["PATH"],
    HEARTH_MODELS_ALLOW: "127.0.0.1",
    HEARTH_MODELS_FLOOR_BYTES: "0",
    ...trusted,
  };
  const { promise, resolve } = Promise.withResolvers<{ code: unknown; stdout: string }>();
  const model = ["loras/ink.safetensors", "--from", url, "--into", "comfy"];
  execFile(process.execPath, [...args, ...model], { cwd: folder, env }, (fault, stdout) => {
    resolve({ code: fault === null ? 0 : fault.code, stdout });
  });
  return promise;
}

describe("models over TLS", () => {
  test("come whole over several connections from a server whose authority is trusted", async () => {
    const folder = await modelsFolder();
    const tls = await loopbackCertificate();
    const server = await startModelServer(safetensorsFile(70 * mebibyte + 5), tls);
    const authorities = join(folder, "authority.pem");
    await writeFile(authorities, tls.cert);
    const pulled = await pull(folder, server.url, { NODE_EXTRA_CA_CERTS: authorities });
    expect(pulled).toMatchObject({ code: 0 });
    expect(pulled.stdout).toContain(server.sha256);
    const placed = await readFile(join(folder, "comfy", "loras", "ink.safetensors"));
    expect(placed.equals(server.bytes)).toBe(true);
    expect(server.requests.length).toBeGreaterThan(3);
  });

  test("do not come from a server that nobody vouches for, and no byte is asked for", async () => {
    const folder = await modelsFolder();
    const server = await startModelServer(safetensorsFile(mebibyte), await loopbackCertificate());
    const pulled = await pull(folder, server.url, {});
    expect(pulled.code).toBe(1);
    expect(JSON.parse(pulled.stdout)).toMatchObject({ error: { code: "model_unavailable" } });
    expect(pulled.stdout).toContain("certificate");
    expect(server.requests).toEqual([]);
  });
});
