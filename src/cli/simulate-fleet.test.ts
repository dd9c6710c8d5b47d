import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import sharp from "sharp";
import { expect, it, onTestFinished } from "vitest";

import { runCli } from "./main.ts";

async function setup() {
  const folder = await mkdtemp(join(tmpdir(), "hearth-simulate-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const run = async (...args: readonly string[]) => {
    let [stdout, stderr] = ["", ""];
    const code = await runCli(["simulate", "fleet", ...args], {
      environment: {},
      folder,
      stdin: (async function* () {})(),
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
    });
    return { code, stdout, stderr };
  };
  return { folder, run };
}

it("takes cards of several sizes, and refuses those too small for the work", async () => {
  const { run } = await setup();
  const few = ["--copies", "0.05", "--policy", "hearth,fifo-warm", "--json"];
  const { code, stdout } = await run(...few, "--gpus", "1x24GiB,1x48GiB");
  expect(code).toBe(0);
  const { data } = JSON.parse(stdout) as { data: { jobs: number; rows: { jobs: number }[] } };
  expect(data.rows.map(({ jobs }) => jobs)).toEqual([data.jobs, data.jobs]);
  expect(await run(...few, "--gpus", "2x8GiB")).toMatchObject({
    code: 2,
    stdout: expect.stringContaining("the largest of --gpus has 8") as string,
  });
});

const header =
  "gmt_create,predict_status,exec_time_seconds,groupId,num_images_per_prompt,num_inference_steps,checkpoint_model_version_id,num_lora";
const trace = Array.from({ length: 120 }, (_, at) => {
  const time = new Date(1_700_000_000_000 + at * 20_000).toISOString().slice(0, 19);
  return `${time.replace("T", " ")},SUCCEED,${20 + (at % 7)},G${at % 5},1,30,M${at % 6},0`;
});

it("prints a row for each order and draws pictures that can be looked at", async () => {
  const { folder, run } = await setup();
  await writeFile(join(folder, "t.csv"), [header, ...trace].join("\n"));
  const { code, stdout } = await run("t.csv", "--workers", "2", "--copies", "2", "--out", "p");
  expect(code).toBe(0);
  const rows = stdout.split("\n").map((line) => line.split(/\s/u)[0]);
  expect(rows).toEqual(expect.arrayContaining(["hearth", "fifo", "fifo-warm", "zero-swap"]));
  expect((await readdir(join(folder, "p"))).toSorted()).toEqual([
    "latency.png",
    "latency.svg",
    "swaps.png",
    "swaps.svg",
    "utilisation.png",
    "utilisation.svg",
  ]);
  const picture = await sharp(await readFile(join(folder, "p", "latency.png"))).metadata();
  expect(picture).toMatchObject({ format: "png", width: 1720, height: 960 });
});

it("prints the same figures as JSON, faults included", async () => {
  const { folder, run } = await setup();
  await writeFile(join(folder, "t.csv"), [header, ...trace].join("\n"));
  const args = ["t.csv", "--policy", "hearth,fifo", "--out-of-memory", "20", "--json"];
  const { code, stdout } = await run(...args);
  expect(code).toBe(0);
  const { data: found } = JSON.parse(stdout) as {
    data: { rows: { policy: string; attemptsLost: number }[] };
  };
  expect(found.rows.map(({ policy }) => policy)).toEqual(["hearth", "fifo"]);
  expect(found.rows[0]?.attemptsLost).toBeGreaterThan(0);
});

it.each([
  [["none.csv"], "none.csv cannot be read"],
  [["bad.csv"], "bad.csv: the header lacks gmt_create"],
  [["--policy", "magic"], "There is no policy magic; there are hearth, fifo"],
])("refuses %j and says why", async (args, reason) => {
  const { folder, run } = await setup();
  await writeFile(join(folder, "bad.csv"), "a,b\n1,2\n");
  const { code, stderr } = await run(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(reason);
});
