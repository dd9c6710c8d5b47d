import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { temporaryFolder } from "../../../test/fakes/worker-stack.ts";
import { parseCards, parseProcesses, readNvidiaSmi } from "./nvidia-smi.ts";

const mebibyte = 1024 ** 2;

/** A program that answers as the driver's does. */
async function program(script: string): Promise<string> {
  const path = join(await temporaryFolder(), "nvidia-smi");
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

describe("nvidia-smi", () => {
  it("is read line by line", () => {
    expect(parseCards("0, GPU-a1, 24564, 1024\n1, GPU-b2, 8192, 7\n")).toEqual([
      { index: 0, uuid: "GPU-a1", totalBytes: 24_564 * mebibyte, usedBytes: 1024 * mebibyte },
      { index: 1, uuid: "GPU-b2", totalBytes: 8192 * mebibyte, usedBytes: 7 * mebibyte },
    ]);
    expect(parseProcesses("4711, GPU-a1, 900\n")).toEqual([
      { pid: 4711, cardUuid: "GPU-a1", usedBytes: 900 * mebibyte },
    ]);
  });
  it("is passed over where it says nothing sensible", () => {
    expect(parseCards("No devices were found\n0, GPU, [N/A], 3\n-1, GPU, 1, 1\n")).toEqual([]);
    expect(parseProcesses("4711, GPU-a1, [N/A]\n[Insufficient Permissions]\n")).toEqual([]);
  });
  it("is asked as a program, for cards and for processes", async () => {
    const path = await program(
      'case "$1" in *gpu=*) echo "0, GPU-a1, 100, 40";; *) echo "7, GPU-a1, 30";; esac',
    );
    expect(await readNvidiaSmi(path)).toEqual({
      cards: [{ index: 0, uuid: "GPU-a1", totalBytes: 100 * mebibyte, usedBytes: 40 * mebibyte }],
      processes: [{ pid: 7, cardUuid: "GPU-a1", usedBytes: 30 * mebibyte }],
    });
  });
  it("is no error where there is none, or where it fails", async () => {
    expect(await readNvidiaSmi("/nonexistent/nvidia-smi")).toBeUndefined();
    expect(await readNvidiaSmi(await program("exit 9"))).toBeUndefined();
  });
});
