import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { environmentLayer } from "./environment.ts";
import { loadSettings } from "./load.ts";
import { parseSettings } from "./schema.ts";

function refusal(values: Record<string, unknown>): string {
  const result = parseSettings([{ source: "a test", values }]);
  return result.ok ? "accepted" : `${result.error.code}: ${result.error.message}`;
}

async function folderWith(settings: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-config-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "hearth.json"), settings);
  return folder;
}

describe("settings", () => {
  it("have a default for everything", () => {
    const result = parseSettings([]);
    expect(result).toMatchObject({
      ok: true,
      value: {
        host: "127.0.0.1",
        port: 8_787,
        blobs: { kind: "fs" },
        lease: { heartbeatMs: 5_000, leaseMs: 30_000, reaperIntervalMs: 2_000 },
      },
    });
  });

  it.each([
    [{ prot: 1 }, "prot"],
    [{ port: 70_000 }, "port"],
    [{ port: "abc" }, "port"],
    [{ blobs: { kind: "s3" } }, "blobs.bucket"],
    [{ blobs: { kind: "ftp" } }, "blobs.kind"],
    [{ lease: { leaseMs: 6_000 } }, "lease.leaseMs"],
    [{ lease: { leasMs: 6_000 } }, "lease.leasMs"],
    [{ databaseUrl: "mysql://x/y" }, "databaseUrl"],
    [{ publicUrl: "ftp://x" }, "publicUrl"],
    [{ logLevel: "loud" }, "logLevel"],
  ])("refuse %j and name the setting", (values, setting) => {
    expect(refusal(values)).toMatch(new RegExp(`^config_invalid: The setting ${setting} \\(from`));
  });

  it("merge limits and lease key by key, the first source winning", () => {
    const result = parseSettings([
      { source: "flags", values: { limits: { bodyBytes: 1 } } },
      { source: "file", values: { limits: { bodyBytes: 2, jsonDepth: 3 }, port: 1 } },
    ]);
    expect(result).toMatchObject({ value: { limits: { bodyBytes: 1, jsonDepth: 3 }, port: 1 } });
  });

  it("come from variables; empty ones count as absent", () => {
    const layer = environmentLayer({
      HEARTH_PORT: "9000",
      HEARTH_HOST: "",
      HEARTH_TRUST_LOOPBACK: "0",
      HEARTH_S3_BUCKET: "pictures",
      HEARTH_S3_PATH_STYLE: "true",
    });
    expect(layer.values).toEqual({
      port: 9_000,
      trustsLoopback: false,
      blobs: { kind: "s3", bucket: "pictures", forcePathStyle: true },
    });
  });

  it("do not choose S3 for a region alone", () => {
    expect(environmentLayer({ HEARTH_S3_REGION: "eu-1" }).values).toEqual({});
  });

  it("are taken from flags, then variables, then the file, then defaults", async () => {
    const folder = await folderWith('{"port": 1, "host": "::1", "logLevel": "warn"}');
    const settings = await loadSettings({
      flags: { port: 3, host: undefined },
      environment: { HEARTH_PORT: "2", HEARTH_HOST: "localhost" },
      folder,
    });
    expect(settings).toMatchObject({ port: 3, host: "localhost", logLevel: "warn" });
    expect(settings.dataDir).toBe(join(folder, ".hearth"));
  });

  it("refuse a file that is not JSON, and one that was named and is missing", async () => {
    const folder = await folderWith("{port: 1}");
    const sources = { flags: {}, environment: {}, folder };
    await expect(loadSettings(sources)).rejects.toMatchObject({ code: "config_invalid" });
    await expect(loadSettings({ ...sources, configPath: "other.json" })).rejects.toThrow(
      /other\.json cannot be used/u,
    );
  });
});
