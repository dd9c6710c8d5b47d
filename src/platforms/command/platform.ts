import type { CallPatience } from "../calls.ts";
import { workerEnvironment } from "../environment.ts";
import { Launches } from "../launches.ts";
import type { Hardware, InstanceStatus, LaunchSpec, Platform } from "../platform.ts";
import { runProgram } from "./client.ts";
import { parseList } from "./map.ts";

export interface CommandOptions {
  readonly name: string;
  /** Starts a worker with the variables it is given and writes the instance's name. */
  readonly launch: readonly string[];
  /** Writes `[{"externalId", "clientToken", "state"}]` of all instances. */
  readonly list: readonly string[];
  /** Asks the instance named by its last argument to leave. */
  readonly terminate: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly offer: Hardware;
  readonly startMs: number;
  readonly patience: CallPatience;
}

const yes = { supported: true } as const;

/** Any other place: three programs of the operator's, for whatever has no adapter of its own. */
export class CommandPlatform implements Platform {
  readonly name: string;
  readonly kind = "command";
  readonly reach = "everywhere";
  readonly control = "launch";
  readonly capabilities = {
    scaleToZero: yes,
    gpu: yes,
    spot: yes,
    outlivesController: yes,
    asksToLeave: yes,
    listsStrangers: yes,
    tellsPending: yes,
    namesHardware: { supported: false, reason: "The programs do not say it; the settings do." },
  } as const;
  readonly offer: Hardware;
  readonly startMs: number;
  private readonly options: CommandOptions;
  private readonly launches = new Launches();

  constructor(options: CommandOptions) {
    this.options = options;
    this.name = options.name;
    this.offer = options.offer;
    this.startMs = options.startMs;
  }

  launch(spec: LaunchSpec): Promise<{ readonly externalId: string }> {
    const { launch, environment, patience } = this.options;
    return this.launches.ever(spec.clientToken, async () => {
      const found = (await this.list()).find((one) => one.clientToken === spec.clientToken);
      if (found !== undefined) return found;
      const variables = { ...environment, ...workerEnvironment(spec) };
      return { externalId: (await runProgram(launch, variables, patience)).trim() };
    });
  }

  async terminate(externalId: string): Promise<void> {
    const { terminate, environment, patience } = this.options;
    await runProgram([...terminate, externalId], environment, patience);
  }

  async list(): Promise<readonly InstanceStatus[]> {
    const { list, environment, patience } = this.options;
    return parseList(await runProgram(list, environment, patience));
  }
}
