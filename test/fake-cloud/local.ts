import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { LocalPlatform } from "../../src/platforms/local/platform.ts";
import { identifyProcess } from "../../src/store/embedded/process-identity.ts";
import type { CloudSetting, FakeCloud } from "./cloud.ts";
import { Faults } from "./faults.ts";
import { Machines, type Machine } from "./machines.ts";

const hearth = fileURLToPath(new URL("../../bin/hearth.mjs", import.meta.url));

/** Shows the processes of the local platform as machines; nothing here is fake. */
class ProcessView extends Machines {
  private readonly platform: LocalPlatform;

  constructor(setting: CloudSetting, platform: LocalPlatform) {
    super({ ...setting, graceMs: 0 });
    this.platform = platform;
    const launch = platform.launch.bind(platform);
    platform.launch = async (spec) => {
      const reply = await launch(spec);
      this.all.set(reply.externalId, machineOf(reply.externalId, setting.now()));
      return reply;
    };
    const list = platform.list.bind(platform);
    platform.list = async () => {
      const statuses = await list();
      const present = new Set(statuses.map(({ externalId }) => externalId));
      for (const machine of this.all.values()) {
        if (!present.has(machine.id)) machine.state = "stopped";
      }
      return statuses;
    };
  }

  override preempt(id: string): void {
    void this.platform.terminate(id);
  }
}

function machineOf(id: string, nowMs: number): Machine {
  return {
    id,
    environment: {},
    labels: { token: id },
    createdAtMs: nowMs,
    state: "running",
    startedAtMs: nowMs,
    stoppedAtMs: null,
    stopAskedAtMs: null,
    exitCode: null,
  };
}

export async function openLocalMachine(setting: CloudSetting): Promise<FakeCloud> {
  const folder = await mkdtemp(join(tmpdir(), "hearth-local-"));
  const platform = new LocalPlatform({
    owner: `test-${randomUUID()}`,
    folder,
    command: () => [process.execPath, hearth, "worker"],
    environment: process.env,
    clock: { now: setting.now },
    identify: identifyProcess,
    killAfterMs: 0,
  });
  return {
    machines: new ProcessView(setting, platform),
    faults: new Faults(),
    requestCount: 0,
    connect: async () => platform,
    close: async () => {
      // Once to ask, once to force.
      for (const _ of [1, 2]) {
        for (const { externalId } of await platform.list()) await platform.terminate(externalId);
      }
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}
