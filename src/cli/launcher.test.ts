import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

import { describe, expect, it, onTestFinished } from "vitest";

import { packagePath } from "./package-paths.ts";

const runFile = promisify(execFile);
const launcher = packagePath("bin/hearth.mjs");
const oldNode = findOldNode();

/** A Node that is too old for the sources, if this machine has one. */
function findOldNode(): string | undefined {
  const folders = new Set([...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin"]);
  return [...folders]
    .map((folder) => join(folder, "node"))
    .find((path) => {
      const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
      const [, major = ""] = /^v(\d+)\./u.exec(stdout ?? "") ?? [];
      return Number(major) >= 18 && Number(major) < 22;
    });
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-launcher-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe.runIf(oldNode !== undefined)("the launcher on an old Node", () => {
  const old = oldNode ?? "";

  it("hands over to the Node of the packages, with arguments and exit code", async () => {
    const { stdout } = await runFile(old, [launcher, "--version"]);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/u);
    const failed = runFile(old, [launcher, "jobs", "ls", "--limit", "0"]);
    await expect(failed).rejects.toMatchObject({ code: 2 });
  });

  it("passes a request to stop on and waits for the end", async () => {
    const args = [
      "worker",
      "--gateway",
      "http://127.0.0.1:9",
      "--comfyui-url",
      "http://127.0.0.1:9",
    ];
    const cwd = await temporaryFolder();
    const child = spawn(old, [launcher, ...args, "--json", "--log-level", "info"], { cwd });
    let stdout = "";
    child.stdout.on("data", (text: Buffer) => {
      stdout += text.toString();
    });
    await once(child.stderr, "data");
    child.kill("SIGTERM");
    const [code] = (await once(child, "exit")) as [number | null];
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, data: { reason: "stopped" } });
  });

  it("says what is missing where no newer Node was installed", async () => {
    const folder = await temporaryFolder();
    await cp(packagePath("bin"), join(folder, "bin"), { recursive: true });
    const failed = runFile(old, [join(folder, "bin", "hearth.mjs"), "up"]);
    await expect(failed).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("needs Node 22.19 or newer") as string,
    });
  });
});

describe("the launcher", () => {
  it("runs where it is installed as a package, below node_modules", async () => {
    const modules = join(await temporaryFolder(), "node_modules");
    const home = join(modules, "hearth");
    await mkdir(home, { recursive: true });
    for (const part of ["bin", "src", "examples", "package.json"]) {
      await cp(packagePath(part), join(home, part), { recursive: true });
    }
    for (const name of await readdir(packagePath("node_modules"))) {
      await symlink(join(packagePath("node_modules"), name), join(modules, name));
    }
    const args = [join(home, "bin", "hearth.mjs"), "jobs", "ls", "--json"];
    const environment = { ...process.env, HEARTH_URL: "http://127.0.0.1:9" };
    const failed = runFile(process.execPath, args, { env: environment });
    await expect(failed).rejects.toMatchObject({ code: 7, stderr: "" });
  });
});
