import { createHash } from "node:crypto";

import type { Clock } from "../../kernel/clock.ts";
import { HearthError } from "../../kernel/errors.ts";
import { workerEnvironment } from "../environment.ts";
import { Launches } from "../launches.ts";
import type { InstanceStatus, LaunchSpec, Platform, PlatformCapabilities } from "../platform.ts";
import { startDetached } from "./child.ts";
import { ProcessRecords, type ProcessIdentity } from "./process-records.ts";
import { findMarkedProcesses, marks, type MarkedProcess } from "./process-table.ts";
import { ReleaseFile, type LocalRelease } from "./release-file.ts";
import { keepRecentFolders } from "./worker-folders.ts";

export interface LocalPlatformOptions {
  /** Names whose processes these are; another owner's are never touched. */
  readonly owner: string;
  /** Each instance gets a subfolder for its scratch files and its log. */
  readonly folder: string;
  /**
   * Program and arguments of a worker under the applied release, or without one; a change makes
   * running instances obsolete.
   */
  readonly command: (release: LocalRelease | undefined) => readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Who runs under a process number; undefined when nobody does. */
  readonly identify: (pid: number) => Promise<ProcessIdentity | undefined>;
  /** From the request to leave until force. Default 25 s. */
  readonly killAfterMs?: number;
  /** Default: whether the system lists the environments of processes. */
  readonly readsEnvironments?: boolean;
}

const defaultKillAfterMs = 25_000;

const localCapabilities: PlatformCapabilities = {
  scaleToZero: { supported: true },
  gpu: { supported: true },
  spot: { supported: false, reason: "This machine is not for sale; nothing preempts its workers." },
  outlivesController: { supported: true },
  asksToLeave: { supported: true },
  listsStrangers: { supported: true },
  tellsPending: { supported: true },
  namesHardware: {
    supported: false,
    reason: "This machine's GPUs are read by the worker itself and shown by hearth workers ls.",
  },
};

/** What a launch starts. */
interface WorkerSpec {
  readonly command: readonly string[];
  readonly hash: string;
  readonly maxWorkers: number;
}

/** Worker processes on this machine, each the leader of a process group of its own. */
export class LocalPlatform implements Platform {
  readonly name: string;
  readonly kind = "local";
  readonly reach = "host";
  readonly control = "launch";
  readonly capabilities = localCapabilities;
  readonly offer = { gpu: null, region: null, isSpot: false };
  readonly startMs = 120_000;
  private readonly options: LocalPlatformOptions;
  private readonly records: ProcessRecords;
  private readonly release: ReleaseFile;
  private readonly launches = new Launches();
  private readonly terminations = new Map<string, number>();

  constructor(options: LocalPlatformOptions) {
    this.options = options;
    this.name = `local-${options.owner}`;
    this.records = new ProcessRecords(options.folder);
    this.release = new ReleaseFile(options.folder);
  }

  launch(spec: LaunchSpec): Promise<{ readonly externalId: string }> {
    return this.launches.once(spec.clientToken, () => this.launchOnce(spec));
  }

  async list(): Promise<readonly InstanceStatus[]> {
    const { hash } = await this.spec();
    const byInstance = new Map<string, MarkedProcess>();
    for (const found of await this.processes()) byInstance.set(found.instanceId, found);
    return [...byInstance.values()].map(({ instanceId, specHash }) => ({
      externalId: instanceId,
      clientToken: instanceId,
      state: this.stateOf(instanceId, specHash === hash),
    }));
  }

  async terminate(externalId: string): Promise<void> {
    const processes = (await this.processes()).filter((one) => one.instanceId === externalId);
    if (processes.length === 0) {
      this.terminations.delete(externalId);
      await this.records.remove(externalId);
      return;
    }
    const now = this.options.clock.now();
    const askedAt = this.terminations.get(externalId);
    if (askedAt === undefined) {
      this.terminations.set(externalId, now);
      for (const pid of await this.workersAmong(processes)) signal(pid, "SIGTERM");
    } else if (now - askedAt >= (this.options.killAfterMs ?? defaultKillAfterMs)) {
      for (const groupId of new Set(processes.map((one) => one.groupId))) kill(groupId);
    }
  }

  private stateOf(instanceId: string, isCurrent: boolean): InstanceStatus["state"] {
    if (this.terminations.has(instanceId)) return "terminating";
    return isCurrent ? "running" : "obsolete";
  }

  private async spec(): Promise<WorkerSpec> {
    const release = await this.release.read();
    const command = this.options.command(release);
    const hash = createHash("sha256").update(JSON.stringify(command)).digest("hex");
    return { command, hash, maxWorkers: release?.maxWorkers ?? Infinity };
  }

  private async launchOnce(spec: LaunchSpec): Promise<{ readonly externalId: string }> {
    const { clientToken } = spec;
    const launched = { externalId: clientToken };
    const processes = await this.processes();
    if (processes.some((one) => one.instanceId === clientToken)) return launched;
    const living = new Set(processes.map((one) => one.instanceId));
    await this.forgetEnded(living);
    const { command, hash, maxWorkers } = await this.spec();
    if (living.size >= maxWorkers) {
      const message = `The release lets this machine have ${maxWorkers} worker(s).`;
      throw new HearthError("platform_quota", { message });
    }
    const { owner, folder, environment, identify } = this.options;
    const pid = await startDetached({
      folder,
      instanceId: clientToken,
      command,
      environment: {
        ...environment,
        [marks.owner]: owner,
        [marks.instance]: clientToken,
        [marks.spec]: hash,
        ...workerEnvironment(spec),
      },
    });
    const identity = await identify(pid);
    if (identity === undefined) return launched;
    await this.records.write({ ...identity, instanceId: clientToken, specHash: hash });
    return launched;
  }

  private async forgetEnded(living: ReadonlySet<string>): Promise<void> {
    await keepRecentFolders(this.options.folder, living);
    for (const { instanceId } of await this.records.list()) {
      // One that is being launched has its record a moment before it can be seen.
      const isEnded = !living.has(instanceId) && !this.launches.has(instanceId);
      if (isEnded) await this.records.remove(instanceId);
    }
  }

  private async processes(): Promise<readonly MarkedProcess[]> {
    const { owner, readsEnvironments = process.platform === "linux" } = this.options;
    if (readsEnvironments) {
      const found = await findMarkedProcesses(owner);
      return found.filter((one) => one.pid !== process.pid);
    }
    const alive: MarkedProcess[] = [];
    for (const record of await this.records.list()) {
      const { pid, startedAt, instanceId, specHash } = record;
      const isAlive = (await this.options.identify(pid))?.startedAt === startedAt;
      if (isAlive) alive.push({ pid, groupId: pid, instanceId, specHash });
      else await this.records.remove(instanceId);
    }
    return alive;
  }

  /** Only the worker is asked: it needs what it started until it has finished. */
  private async workersAmong(processes: readonly MarkedProcess[]): Promise<readonly number[]> {
    const pids = new Set((await this.records.list()).map((record) => record.pid));
    const workers = processes.filter((one) => pids.has(one.pid));
    const leaders = processes.filter((one) => one.pid === one.groupId);
    return (workers.length > 0 ? workers : leaders).map((one) => one.pid);
  }
}

function kill(groupId: number): void {
  // Windows has no groups; a negative number means something else there.
  signal(process.platform === "win32" ? groupId : -groupId, "SIGKILL");
}

function signal(target: number, name: NodeJS.Signals): void {
  try {
    process.kill(target, name);
  } catch {
    // It ended in between, and the next list() says so.
  }
}
