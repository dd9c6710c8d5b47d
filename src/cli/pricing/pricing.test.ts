import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, it, onTestFinished } from "vitest";

import { runCaptured as cli } from "../captured.suite.ts";

const workflow = {
  "1": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "xl.safetensors" } },
  "2": { class_type: "EmptyLatentImage", inputs: { width: 1024, height: 1024, batch_size: 1 } },
  "3": { class_type: "KSampler", inputs: { model: ["1", 0], latent_image: ["2", 0], steps: 20 } },
  "4": { class_type: "SaveImage", inputs: { images: ["3", 0], filename_prefix: "x" } },
};

async function folderWith(files: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-pricing-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, value] of Object.entries({ "w.json": workflow, ...files })) {
    await writeFile(join(folder, name), JSON.stringify(value));
  }
  return folder;
}

describe("hearth check", () => {
  it("names the platforms that fit, their cards and the number that decides", async () => {
    const folder = await folderWith();
    const found = await cli(["check", "w.json", "--vram", "20GB", "--seconds", "45"], folder);
    expect(found.code).toBe(0);
    expect(found.stdout).toMatch(/^runpod +yes .*rtx-4090/mu);
    expect(found.stdout).toMatch(/^aws-lambda +no +video memory: 18\.6 GiB is more than 0 B/mu);
    expect(found.stderr).toContain("not known, so not held: memory (--memory), image size");
  });

  it("exits 1 where nothing fits, with every number in its JSON", async () => {
    const args = ["check", "--vram", "400GB", "--platform", "runpod,modal", "--json"];
    const found = await cli(args, await folderWith());
    expect(found.code).toBe(1);
    const lines = found.stdout.trim().split("\n");
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      ok: false,
      error: {
        code: "checks_failed",
        details: { fits: [{ platform: "runpod", deciding: { need: "vramBytes" } }, {}] },
      },
    });
  });

  it("takes the sizes of models from a lock", async () => {
    const lock = {
      schema: "hearth.lock/1",
      name: "x",
      comfyui: { repository: "https://github.com/a/b", version: null, commit: null },
      python: null,
      packs: [],
      models: [
        {
          folder: "checkpoints",
          filename: "xl.safetensors",
          sha256: null,
          bytes: 30_000_000_000,
          sources: [],
        },
      ],
      pip: [],
      nodeCatalogue: null,
      workflows: [],
      deployment: { warmup: null, comfyuiArguments: [] },
    };
    const folder = await folderWith({ "hearth.lock": lock });
    const args = ["check", "w.json", "--lock", "hearth.lock", "--platform", "cloud-run", "--json"];
    const found = await cli(args, folder);
    expect(JSON.parse(found.stdout)).toMatchObject({
      ok: true,
      data: { fits: [{ verdict: "fits", gpus: ["rtx-pro-6000"] }] },
    });
  });

  it.each([
    [["check", "w.json", "--vram", "lots"], "not a size"],
    [["check", "w.json", "--platform", "moon"], "There is no platform moon"],
    [["check", "w.json", "--gpu", "voodoo"], "There is no card voodoo"],
    [["check", "w.json", "--on", "voodoo"], "There is no card voodoo"],
    [["check", "nothing.json"], "cannot be read"],
    [["check", "w.json", "--lock", "w.json"], "is no lock"],
    [["cost", "compare", "--platform", "aws-lambda"], "There is no offer of a card"],
    [["cost", "compare", "--peak", "9"], "a number from 1 to 2"],
    [["advise", "--latency", "fast"], "not a duration"],
  ])("refuses %j as usage", async (args, reason) => {
    const found = await cli(args, await folderWith());
    expect(found.code).toBe(2);
    expect(found.stderr).toContain(reason);
  });
});

describe("hearth cost", () => {
  it("breaks an offer's cost down to lines that add up", async () => {
    const args = [
      "cost",
      "estimate",
      "--platform",
      "runpod",
      "--gpu",
      "rtx-4090",
      "--seconds",
      "45",
    ];
    const found = await cli([...args, "--json"], await folderWith());
    const { data } = JSON.parse(found.stdout) as {
      data: { estimates: { lines: Record<string, number>; jobMicroUsd: number }[] };
    };
    const [estimate] = data.estimates;
    expect(estimate?.lines["runMicroUsd"]).toBe(13_950);
    const sum = Object.values(estimate?.lines ?? {}).reduce((total, each) => total + each, 0);
    expect(estimate?.jobMicroUsd).toBe(sum);
  });

  it("compares offers, cheapest first, and lays the operator's prices over its own", async () => {
    const mine = {
      platform: "runpod",
      gpu: "b200",
      platformGpu: null,
      region: "any",
      published: "$0.01/h",
      gpuMicroUsdPerHour: 10_000,
      vcpuMicroUsdPerHour: 0,
      memoryMicroUsdPerGibHour: 0,
      minVcpus: 0,
      minMemoryGib: 0,
      grade: "operator",
      source: "a dream",
      asOf: "2026-11-20",
    };
    const folder = await folderWith({ "prices.json": { offers: [mine] } });
    const args = ["cost", "compare", "w.json", "--platform", "runpod"];
    const own = await cli(args, folder, { HEARTH_PRICES: "prices.json" });
    expect(own.stdout.split("\n")[1]).toContain("b200");
    expect((await cli(args, folder)).stdout.split("\n")[1]).not.toContain("b200");
  });

  it("names the file and the row of prices that cannot be used", async () => {
    const folder = await folderWith({ "prices.json": { offers: [{ platform: "runpod" }] } });
    const found = await cli(["catalogue", "ls"], folder, { HEARTH_PRICES: "prices.json" });
    expect(found.code).toBe(1);
    expect(found.stderr).toMatch(/prices\.json cannot be used: offers\.0\.gpu/u);
    expect(await cli(["catalogue", "ls"], folder, { HEARTH_PRICES: "no.json" })).toMatchObject({
      code: 1,
    });
  });
});

describe("hearth advise", () => {
  it("ranks offers with reasons, what it assumed, and what would change the answer", async () => {
    const args = ["advise", "-w", "w.json", "--latency", "10s", "--requests-per-day", "2000"];
    const found = await cli([...args, "--platform", "runpod,modal"], await folderWith());
    expect(found.code).toBe(0);
    expect(found.stdout).toContain("is the cheapest that answers 95 % of jobs within 10.0 s.");
    expect(found.stdout).toMatch(/(From|Below) about \d+ a day: (runpod|modal) /u);
    expect(found.stdout).toContain("a run of 4.1 s on the RTX 4090 (--seconds)");
    expect(found.stdout).toContain("by latency: 1 to 10 s: Modal or Cloud Run");
    expect(found.stdout).toContain("of your own rtx-");
  }, 60_000);
});
