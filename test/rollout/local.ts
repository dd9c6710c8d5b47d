import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { localResources } from "../../src/deploy/resources/local.ts";
import type { Deployer } from "../../src/platforms/deployer.ts";
import { LocalDeployer } from "../../src/platforms/local/deployer.ts";
import type { LocalRelease } from "../../src/platforms/local/release-file.ts";
import { Gate, type FakeManagement } from "./management.ts";

const cut = Symbol("cut");

/** This machine: the real thing, but for a folder of its own and a process that may be cut off. */
export async function openLocalManagement(): Promise<FakeManagement> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-release-"));
  const path = join(folder, "release");
  const gate = new Gate();
  const through = async (act: () => Promise<void>): Promise<void> => {
    if ((await gate.pass<unknown>(true, act, cut)) === cut) throw new Error("cut off");
  };
  const open = async (): Promise<Deployer> => {
    const deployer = new LocalDeployer(folder);
    return {
      read: (...args) => deployer.read(...args),
      create: (resource) => through(() => deployer.create(resource)),
      update: (resource) => through(() => deployer.update(resource)),
      remove: () => through(() => deployer.remove()),
    };
  };
  return {
    url: "",
    gate,
    place: {},
    imageOf: (release) => `/opt/comfyui/${release}`,
    wanted: localResources,
    open,
    drift: () => {
      const release = JSON.parse(readFileSync(path, "utf8")) as LocalRelease;
      const marks = { ...release.marks, owner: "somebody" };
      writeFileSync(path, JSON.stringify({ ...release, maxWorkers: 99, marks }));
      return ["maxWorkers: 99 -> 5", "marks.owner"];
    },
    markedCount: () => (existsSync(path) ? 1 : 0),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
