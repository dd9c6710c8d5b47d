import { HearthError } from "../kernel/errors.ts";
import type { InstanceStatus, LaunchSpec, Platform } from "../platforms/platform.ts";

const yes = { supported: true } as const;

/** A platform in memory whose misbehaviour the tests of this folder choose. */
export class ScriptedPlatform implements Platform {
  readonly name: string;
  readonly kind = "scripted";
  readonly reach: Platform["reach"];
  readonly control = "launch";
  readonly capabilities = {
    scaleToZero: yes,
    gpu: yes,
    spot: yes,
    outlivesController: yes,
    asksToLeave: yes,
    listsStrangers: yes,
    tellsPending: yes,
    namesHardware: yes,
  };
  readonly offer = { gpu: null, region: null, isSpot: false };
  readonly startMs = 120_000;
  readonly launched: LaunchSpec[] = [];
  readonly terminated: string[] = [];
  readonly instances = new Map<string, InstanceStatus>();
  /** `lost_reply`: the instance is there, the answer is an error. `unreachable`: nobody knows. `refused`: it is not. */
  answer: "ok" | "lost_reply" | "unreachable" | "refused" = "ok";

  constructor(name: string, reach: Platform["reach"] = "everywhere") {
    this.name = name;
    this.reach = reach;
  }

  async launch(spec: LaunchSpec): Promise<{ readonly externalId: string }> {
    this.launched.push(spec);
    if (this.answer === "unreachable") throw new Error("no route to host");
    if (this.answer === "refused") throw new HearthError("platform_capacity");
    const externalId = `x-${spec.clientToken}`;
    const { clientToken } = spec;
    this.instances.set(externalId, { externalId, clientToken, state: "running" });
    if (this.answer === "lost_reply") throw new Error("the connection was reset");
    return { externalId };
  }

  async terminate(externalId: string): Promise<void> {
    this.terminated.push(externalId);
    this.instances.delete(externalId);
  }

  async list(): Promise<readonly InstanceStatus[]> {
    return [...this.instances.values()];
  }
}
