import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Command } from "commander";
import { describe, expect, it, onTestFinished } from "vitest";

import { settingVariables } from "../config/environment.ts";
import { settingsSchema } from "../config/schema.ts";
import { HearthError } from "../kernel/errors.ts";
import { runCaptured, type Run } from "./captured.suite.ts";
import { formatBanner } from "./up/banner.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { CliFailure, cliCodes } from "./failure.ts";
import { Output } from "./output.ts";
import { createProgram } from "./program/program.ts";
import { formatTable, oneLine } from "./table.ts";

async function cli(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-cli-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return runCaptured(args, folder, environment);
}

/** Nobody listens on the discard port. */
const nowhere = { HEARTH_URL: "http://127.0.0.1:9" };

describe("the command line", () => {
  it("prints its version and help on standard output", async () => {
    expect(await cli(["--version"])).toMatchObject({ code: 0, stderr: "" });
    const help = await cli(["run", "--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toContain("--input <node.input=value>");
  });

  it.each([
    [["frobnicate"]],
    [["run"]],
    [["jobs", "ls", "--limit", "0"]],
    [["run", "w.json", "--set", "seed"]],
    [["run", "w.json", "--timeout", "soon"]],
    [["run", "w.json", "--priority", "urgent"]],
    [["run", "w.json", "--metadata", "a=1", "--metadata", "a=2"]],
    [["keys", "create", "--scopes", "run,fly"]],
    [["up", "--port", "99999"]],
    [["up", "--comfyui-url", "localhost:8188"]],
    [["up", "--comfyui-url", "http://127.0.0.1:8188", "--comfyui-dir", "."]],
    [["up", "--comfyui-arg=--cpu"]],
    [["worker", "--slots", "17"]],
    [["worker", "--slots", "2", "--comfyui-url", "http://127.0.0.1:8188"]],
    [["worker", "--memory-strategy", "greedy"]],
    [["worker", "--evict", "random"]],
    [["worker", "--reserve-vram", "much"]],
    [["run", "missing.json"]],
    [["deployments", "create", "My App"]],
  ])("ends %j as a usage error, with and without --json", async (args) => {
    const plain = await cli(args, nowhere);
    expect(plain).toMatchObject({ code: 2, stdout: "" });
    expect(plain.stderr).not.toBe("");
    const json = await cli([...args, "--json"], nowhere);
    expect(json.code).toBe(2);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, error: { code: "usage" } });
  });

  it("says where it looked when no server answers", async () => {
    const { code, stderr } = await cli(["jobs", "ls"], nowhere);
    expect(code).toBe(7);
    expect(stderr).toContain("http://127.0.0.1:9");
    expect(stderr).toContain("hint");
  });

  it("names a setting that is not valid", async () => {
    const { code, stdout } = await cli(["keys", "ls", "--json"], { HEARTH_PORT: "many" });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: "config_invalid", details: { setting: "port" } },
    });
  });

  it("reports a database that cannot be reached with its own exit code", async () => {
    const { code, stdout } = await cli(["workers", "ls", "--json"], {
      DATABASE_URL: "postgres://hearth:not-shown@127.0.0.1:9/hearth",
    });
    expect(code).toBe(7);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "database_unavailable" } });
    expect(stdout).not.toContain("not-shown");
  });
});

describe("exit codes", () => {
  it.each([
    [new HearthError("unauthorized"), 3],
    [new HearthError("not_found"), 4],
    [new HearthError("queue_full"), 5],
    [new HearthError("deadline_exceeded"), 6],
    [new HearthError("database_unavailable"), 7],
    [new HearthError("data_folder_in_use"), 1],
    [new HearthError("node_execution_error"), 1],
    [new CliFailure("interrupted", ""), 130],
    [new CliFailure("timeout", ""), 6],
    [new TypeError("a defect"), 1],
  ])("%s is %d", (thrown, code) => {
    expect(exitCodeOf(thrown)).toBe(code);
  });
});

describe("output", () => {
  const output = (isTTY: boolean, environment: Record<string, string>): Output =>
    new Output(
      {
        environment,
        folder: "/",
        stdin: (async function* () {})(),
        stdout: { write: () => true },
        stderr: { write: () => true, isTTY },
      },
      false,
    );

  it("is coloured only on a terminal, and never with NO_COLOR", () => {
    expect(output(true, {}).colors.red("x")).not.toBe("x");
    expect(output(false, {}).colors.red("x")).toBe("x");
    expect(output(true, { NO_COLOR: "1" }).colors.red("x")).toBe("x");
  });

  it("aligns tables and lets no escape sequence through", () => {
    const rows = [
      { name: "a\u001B[31m\n", count: 5 },
      { name: "bücher", count: 12 },
    ];
    const text = formatTable(rows, [
      { title: "NAME", text: (row) => row.name },
      { title: "N", text: (row) => String(row.count), align: "right" },
    ]);
    expect(text.split("\n")).toEqual(["NAME      N", "a [31m    5", "bücher   12"]);
    expect(oneLine("a\u2028b")).toBe("a b");
  });

  it("says how many workers are there and that a picture was made", () => {
    const text = formatBanner({
      url: "http://127.0.0.1:8787",
      dataDir: "/data",
      database: "private Postgres 18.4",
      blobs: "this machine",
      workersReady: 1,
      workersWanted: 2,
      workerKind: "built-in engine",
      picture: { path: "/data/first-picture.png", tookMs: 1_234 },
      workflowPath: "/hearth/examples/first-picture.json",
    });
    expect(text).toContain("1 of 2 ready (built-in engine)");
    expect(text).toContain("/data/first-picture.png (made in 1.2 s)");
  });
});

describe("docs/cli.md", () => {
  const page = readFile(new URL("../../docs/cli.md", import.meta.url), "utf8");
  const rows = async (heading: string): Promise<readonly (readonly string[])[]> => {
    const section = (await page).split(/^## /mu).find((text) => text.startsWith(heading)) ?? "";
    return section
      .split("\n")
      .filter((line) => line.startsWith("| `"))
      .map((line) =>
        line
          .split("|")
          .slice(1, -1)
          .map((cell) => cell.trim().replaceAll("`", "")),
      );
  };

  it("lists every command and no other", async () => {
    const program = createProgram({
      version: "0",
      run: async () => undefined,
      write: () => undefined,
      writeError: () => undefined,
    });
    const names = (command: Command, prefix: string): readonly string[] =>
      command.commands
        .filter((one) => one.name() !== "engine")
        .flatMap((one) =>
          one.commands.length === 0
            ? [`${prefix} ${one.name()}`]
            : names(one, `${prefix} ${one.name()}`),
        );
    const documented = (await rows("Commands")).map(([command]) => command);
    expect(new Set(documented)).toEqual(new Set(names(program, "hearth")));
  });

  it("lists every exit code and every code of the command line itself", async () => {
    const found = await rows("Exit codes");
    const numbered = found.filter(([code = ""]) => /^\d+$/u.test(code));
    expect(Object.fromEntries(numbered.map(([code, name = ""]) => [name, Number(code)]))).toEqual(
      exitCodes,
    );
    const own = found.filter(([code = ""]) => !/^\d+$/u.test(code));
    expect(own).toEqual(
      Object.entries(cliCodes).map(([code, { exit, hint }]) => [code, exit, hint]),
    );
  });

  it("lists every setting and its variable", async () => {
    const found = await rows("Settings");
    const keys = found.map(([key = ""]) => key);
    for (const key of Object.keys(settingsSchema.shape)) expect(keys).toContain(key);
    const variables = found.flatMap((cells) => cells);
    for (const { name } of settingVariables) expect(variables).toContain(name);
  });
});
