import { writeFileSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { describe, expect, it, onTestFinished } from "vitest";

import { describePlatform, launchSpec, type PlatformFixture } from "../platform.suite.ts";
import { failureOf, parseList } from "./map.ts";
import { CommandPlatform } from "./platform.ts";

const program = fileURLToPath(new URL("../../../test/fake-cloud/command.mjs", import.meta.url));

async function openCommand(): Promise<PlatformFixture & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-command-"));
  let nowMs = 1_000;
  const tick = (): void => writeFileSync(join(folder, "clock"), String(nowMs));
  tick();
  const open = (): CommandPlatform => {
    const run = (verb: string): readonly string[] => [process.execPath, program, folder, verb];
    return new CommandPlatform({
      name: "toy",
      launch: run("launch"),
      list: run("list"),
      terminate: run("terminate"),
      environment: process.env,
      offer: { gpu: null, region: null, isSpot: false },
      startMs: 120_000,
      patience: { clock: { now: () => nowMs }, random: () => 0.5, sleep: async () => undefined },
    });
  };
  const kill = async (id?: string): Promise<void> => {
    for (const name of await readdir(folder)) {
      if (!name.endsWith(".json") || (id !== undefined && name !== `${id}.json`)) continue;
      const { pid } = JSON.parse(await readFile(join(folder, name), "utf8")) as { pid: number };
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has left by itself.
      }
    }
  };
  return {
    folder,
    platform: open(),
    reopen: async () => open(),
    advance: (ms) => {
      nowMs += ms;
      tick();
    },
    crash: kill,
    close: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describe("a platform of the operator's own programs", () => {
  describePlatform(openCommand);

  it.each([
    [69, "platform_capacity"],
    [73, "platform_quota"],
    [77, "platform_refused"],
  ])("takes exit code %d for %s", async (exitCode, code) => {
    const fixture = await openCommand();
    onTestFinished(() => fixture.close());
    await writeFile(join(fixture.folder, "fault"), String(exitCode));
    await expect(fixture.platform.launch(launchSpec())).rejects.toMatchObject({ code });
    expect(await fixture.platform.list([])).toEqual([]);
  });

  it("refuses a list that is none, and tells what a program wrote last", () => {
    expect(() => parseList('{"externalId": "x"}')).toThrow();
    expect(failureOf(1, "first\nlast\n")).toEqual({
      kind: "refused",
      reason: "exit code 1: last",
    });
    expect(failureOf(null, "").kind).toBe("unreachable");
  });
});
