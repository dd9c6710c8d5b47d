import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { lockFolder, type FolderLock } from "./lock.ts";
import { temporaryFolder } from "./owner-process.suite.ts";
import { identifyProcess, type ProcessIdentity } from "./process-identity.ts";

const self = (await identifyProcess(process.pid))!;

/** Our own number with another start: a process that ended and whose number was given away. */
function deadHolder(index = 0): ProcessIdentity {
  return { pid: process.pid, startedAt: `before/${index}` };
}

describe("the lock of a data folder", () => {
  it("refuses a second holder, naming process and folder", async () => {
    const folder = await temporaryFolder();
    await lockFolder(folder, self);
    await expect(lockFolder(folder, self)).rejects.toMatchObject({
      code: "data_folder_in_use",
      message: `Another Hearth (process ${process.pid}) is running on the data folder ${folder}.`,
      details: { pid: process.pid, folder },
    });
  });

  it("is free again after release, and nothing is left of it", async () => {
    const folder = await temporaryFolder();
    const lock = await lockFolder(folder, self);
    await lock.release();
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
    await lockFolder(folder, self);
  });

  it("passes on from a dead holder, even if its process number runs again", async () => {
    const folder = await temporaryFolder();
    const stale = await lockFolder(folder, deadHolder());
    const lock = await lockFolder(folder, self);
    await stale.release();
    await expect(lockFolder(folder, self)).rejects.toMatchObject({ code: "data_folder_in_use" });
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
  });

  it("passes on from a record that a power cut left unreadable", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "hearth.lock"), "");
    await lockFolder(folder, self);
    await expect(lockFolder(folder, self)).rejects.toMatchObject({ code: "data_folder_in_use" });
  });

  it("passes on when starters died in the middle of a takeover", async () => {
    const folder = await temporaryFolder();
    const [first, second, third] = ["a".repeat(24), "b".repeat(24), "c".repeat(24)];
    await writeFile(join(folder, "hearth.lock"), deadRecord(first));
    await writeFile(join(folder, `hearth.lock.after-${first}`), deadRecord(second));
    await writeFile(join(folder, `hearth.lock.after-${second}`), deadRecord(third));
    await lockFolder(folder, self);
    await expect(lockFolder(folder, self)).rejects.toMatchObject({ code: "data_folder_in_use" });
  });

  it("goes to exactly one of many starters at once, whether it was free or a dead one's", async () => {
    for (let round = 0; round < 40; round++) {
      const folder = await temporaryFolder();
      if (round % 2 === 1) await lockFolder(folder, deadHolder());
      const tries = await Promise.allSettled(
        Array.from({ length: 12 }, () => lockFolder(folder, self)),
      );
      expect(tries.filter((one) => one.status === "fulfilled")).toHaveLength(1);
      expect(await readdir(folder)).toEqual(["hearth.lock"]);
    }
  });

  it("is never held twice while starters take it, release it and die holding it", async () => {
    const folder = await temporaryFolder();
    let held = 0;
    let taken = 0;
    const take = async (index: number, turn: number): Promise<void> => {
      // A holder that dies is dead to the others from the start, so only the living are counted.
      const dies = (index + turn) % 3 === 0;
      const lock = await lockFolder(folder, dies ? deadHolder(index) : self).catch(refused);
      if (lock === undefined || dies) return;
      held++;
      taken++;
      expect(held).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      held--;
      await lock.release();
    };
    const starters = Array.from({ length: 8 }, async (_, index) => {
      for (let turn = 0; turn < 60; turn++) await take(index, turn);
    });
    await Promise.all(starters);
    expect(taken).toBeGreaterThan(10);
  });

  it("names a folder that cannot hold it", async () => {
    const folder = join(await temporaryFolder(), "missing");
    await expect(lockFolder(folder, self)).rejects.toMatchObject({
      code: "config_invalid",
      message: expect.stringContaining(folder),
    });
  });
});

function deadRecord(nonce: string): string {
  return JSON.stringify({ ...deadHolder(), nonce });
}

function refused(thrown: unknown): FolderLock | undefined {
  expect(thrown).toMatchObject({ code: "data_folder_in_use" });
  return undefined;
}
