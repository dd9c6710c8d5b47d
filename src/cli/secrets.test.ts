import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { loadSecrets } from "./secrets.ts";

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-secrets-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

describe("the keys of an installation", () => {
  it("are made once, for their owner alone, also by several starters", async () => {
    const folder = await temporaryFolder();
    const loaded = await Promise.all([1, 2, 3].map(() => loadSecrets(folder, {})));
    expect(new Set(loaded.map(({ sealKey }) => Buffer.from(sealKey).toString("hex"))).size).toBe(1);
    expect(loaded[0]?.sealKey).toHaveLength(32);
    expect(loaded[0]?.sealKey).not.toEqual(loaded[0]?.blobSigningKey);
    expect(await readdir(folder)).toEqual(["secrets.json"]);
    expect((await stat(join(folder, "secrets.json"))).mode & 0o777).toBe(0o600);
  });

  it("come from the environment where both are given, and then make no file", async () => {
    const folder = await temporaryFolder();
    const key = randomBytes(32);
    const text = key.toString("base64");
    const environment = { HEARTH_SEAL_KEY: text, HEARTH_BLOB_SIGNING_KEY: text };
    expect(await loadSecrets(folder, environment)).toEqual({ sealKey: key, blobSigningKey: key });
    expect(await readdir(folder)).toEqual([]);
  });

  it("are refused by name where they are damaged or too short", async () => {
    const folder = await temporaryFolder();
    await expect(loadSecrets(folder, { HEARTH_SEAL_KEY: "c2hvcnQ=" })).rejects.toMatchObject({
      code: "config_invalid",
      details: { setting: "HEARTH_SEAL_KEY" },
    });
    await writeFile(join(folder, "secrets.json"), '{"sealKey":"x"}');
    await expect(loadSecrets(folder, {})).rejects.toThrow(
      /secrets\.json cannot be used: it is damaged/u,
    );
  });
});
