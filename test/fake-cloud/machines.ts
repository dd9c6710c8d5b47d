import { randomUUID } from "node:crypto";

/** What a machine does once it runs. */
export interface Body {
  /** SIGTERM asks, SIGKILL does not. */
  signal(name: "SIGTERM" | "SIGKILL"): void;
}

export type MachineState = "pending" | "running" | "stopping" | "stopped";

export interface Machine {
  readonly id: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What its cloud keeps with it. */
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  state: MachineState;
  startedAtMs: number | null;
  stoppedAtMs: number | null;
  stopAskedAtMs: number | null;
  exitCode: number | null;
}

export interface MachinesOptions {
  readonly now: () => number;
  readonly startBody: (machine: Machine, onExit: (exitCode: number) => void) => Body;
  /** From the request to stop until force. */
  readonly graceMs: number;
}

/** The machines of a fake cloud: pending, running, stopping, stopped, and what runs on them. */
export class Machines {
  readonly all = new Map<string, Machine>();
  private readonly bodies = new Map<string, Body>();
  private readonly options: MachinesOptions;

  constructor(options: MachinesOptions) {
    this.options = options;
  }

  add(
    environment: Readonly<Record<string, string>>,
    labels: Readonly<Record<string, string>> = {},
    isPending = false,
    id: string = randomUUID(),
  ): Machine {
    const machine: Machine = {
      id,
      environment,
      labels,
      createdAtMs: this.options.now(),
      state: "pending",
      startedAtMs: null,
      stoppedAtMs: null,
      stopAskedAtMs: null,
      exitCode: null,
    };
    this.all.set(machine.id, machine);
    if (!isPending) this.start(machine);
    return machine;
  }

  start(machine: Machine): void {
    machine.state = "running";
    machine.startedAtMs = this.options.now();
    this.bodies.set(
      machine.id,
      this.options.startBody(machine, (exitCode) => this.ended(machine, exitCode)),
    );
  }

  stop(id: string): void {
    const machine = this.all.get(id);
    if (machine === undefined || machine.state === "stopped") return;
    machine.stopAskedAtMs ??= this.options.now();
    if (machine.state === "pending") return this.ended(machine, 143);
    if (machine.state === "running") {
      machine.state = "stopping";
      this.bodies.get(id)?.signal("SIGTERM");
    }
    this.settle();
  }

  kill(id: string): void {
    const machine = this.all.get(id);
    if (machine === undefined || machine.state === "stopped") return;
    if (machine.state === "pending") this.ended(machine, 137);
    else this.bodies.get(id)?.signal("SIGKILL");
  }

  /** Takes a machine back, as clouds do with spot capacity: it is told, and nobody has asked for it. */
  preempt(id: string): void {
    this.bodies.get(id)?.signal("SIGTERM");
  }

  /** Ends by force what was asked to stop too long ago, as the clouds do by themselves. */
  settle(): void {
    for (const { id, stopAskedAtMs, state } of this.all.values()) {
      const isDue =
        stopAskedAtMs !== null && this.options.now() - stopAskedAtMs >= this.options.graceMs;
      if (state === "stopping" && isDue) this.kill(id);
    }
  }

  living(): readonly Machine[] {
    this.settle();
    return [...this.all.values()].filter(({ state }) => state !== "stopped");
  }

  close(): void {
    for (const { id } of this.living()) this.kill(id);
  }

  private ended(machine: Machine, exitCode: number): void {
    machine.state = "stopped";
    machine.stoppedAtMs = this.options.now();
    machine.exitCode = exitCode;
    this.bodies.delete(machine.id);
  }
}

/** Stands for a worker that obeys, unless its name is "stubborn". */
export function scriptedBody(machine: Machine, onExit: (exitCode: number) => void): Body {
  const isStubborn = machine.environment["HEARTH_WORKER_NAME"] === "stubborn";
  return {
    signal: (name) => {
      if (name === "SIGKILL") onExit(137);
      else if (!isStubborn) onExit(0);
    },
  };
}
