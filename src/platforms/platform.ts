/** What a worker of ours needs to find and be let in by the gateway. */
export interface LaunchSpec {
  /** The instance's id. The same token launches at most one instance, however often it is sent. */
  readonly clientToken: string;
  readonly deployment: string;
  readonly gatewayUrl: string;
  /** Single use and short-lived; goes into the environment, never into a command line or a log. */
  readonly enrollmentToken: string;
  readonly workerName: string;
}

/** An instance that the control plane has on record. */
export interface KnownInstance {
  /** The token of its launch. */
  readonly clientToken: string;
  /** Null while the answer to its launch is missing. */
  readonly externalId: string | null;
}

/** What an instance runs on, for its price. */
export interface Hardware {
  /** The platform's own name of the GPU or of the machine that has it; null: none or unknown. */
  readonly gpu: string | null;
  readonly region: string | null;
  readonly isSpot: boolean;
}

/** What a platform says of an instance that it has; those it does not list are gone. */
export interface InstanceStatus {
  /** The platform's own name for it. */
  readonly externalId: string;
  /** The token it was launched with; null where the platform does not keep it. */
  readonly clientToken: string | null;
  /**
   * `pending`: it waits for capacity or its image and costs nothing yet. `obsolete`: it runs with
   * other settings than a launch would use now.
   */
  readonly state: "pending" | "running" | "obsolete" | "terminating";
  /** What it really runs on, where the platform says so. */
  readonly hardware?: Hardware;
}

/** An ability, or a sentence for the user on why it is missing. */
export type Capability =
  | { readonly supported: true }
  | { readonly supported: false; readonly reason: string };

export interface PlatformCapabilities {
  readonly scaleToZero: Capability;
  readonly gpu: Capability;
  readonly spot: Capability;
  /** Whether instances outlive the control plane that launched them. */
  readonly outlivesController: Capability;
  /** Whether an instance that is ended is asked first and may finish; if not, it is drained before. */
  readonly asksToLeave: Capability;
  /** Whether the platform can name instances that the control plane has no record of. */
  readonly listsStrangers: Capability;
  /** Whether the platform tells an instance that waits for its GPU from one that has it. */
  readonly tellsPending: Capability;
  /** Whether the platform says which GPU an instance got. */
  readonly namesHardware: Capability;
}

/** Settings that were changed behind our back, as sentences on what was found and restored. */
export type DriftReport = readonly string[];

/**
 * Where instances run, with one kind of GPU. The unit is a task that runs our agent until it is
 * drained, so three verbs suffice; `platform.suite.ts` is the contract. Errors:
 * `service_unavailable` when the platform cannot be asked or asks for patience,
 * `platform_capacity`, `platform_quota`, `platform_refused`. A launch whose reply is lost is never
 * sent again where that could launch two; it shows up in `list()`, or its worker introduces itself.
 */
export interface Platform {
  /** Names the platform in instance rows; one platform, one account or folder. */
  readonly name: string;
  /** Whose machines these are, by the catalogue's name, such as `cloud-run`. */
  readonly kind: string;
  /** `host`: only the process that holds the platform can see its instances; others leave them be. */
  readonly reach: "host" | "everywhere";
  /** `launch`: one by one. `count`: it only takes a number, and drained workers leave. */
  readonly control: "launch" | "count";
  readonly capabilities: PlatformCapabilities;
  /** What a launch asks for. */
  readonly offer: Hardware;
  /** How long an instance may take from its launch to its worker's first word. */
  readonly startMs: number;
  launch(spec: LaunchSpec): Promise<{ readonly externalId: string }>;
  /**
   * Asks an instance to drain and leave. Returns at once; asked again after the grace period it
   * ends the instance by force. Unknown and gone instances are no error.
   */
  terminate(externalId: string): Promise<void>;
  /**
   * Every instance of ours, also those launched before this process began. Platforms that cannot
   * list look up those that are `known`.
   */
  list(known: readonly KnownInstance[]): Promise<readonly InstanceStatus[]>;
  /** Asks something harmless, to see whether credentials and names are right; absent: `list` does. */
  check?(): Promise<void>;
  /** Restores settings that the platform or somebody else has changed; absent where none can be. */
  correctDrift?(): Promise<DriftReport>;
  /** Ends connections that would keep the process alive; absent where there are none. */
  close?(): void;
}
