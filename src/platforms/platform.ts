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

/** What a platform says of an instance that it has; those it does not list are gone. */
export interface InstanceStatus {
  /** The platform's own name for it. */
  readonly externalId: string;
  /** The token it was launched with; null where the platform does not keep it. */
  readonly clientToken: string | null;
  /** `obsolete`: it runs with other settings than a launch would use now. */
  readonly state: "running" | "obsolete" | "terminating";
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
}

/**
 * Where instances run. The unit is a task that runs our agent until it is drained, so three verbs
 * suffice; `platform.suite.ts` is the contract. Errors: `service_unavailable` when the platform
 * cannot be asked; a launch whose reply is lost shows up in `list()`.
 */
export interface Platform {
  /** Names the platform in instance rows; one platform, one account or folder. */
  readonly name: string;
  /** `host`: only the process that holds the platform can see its instances; others leave them be. */
  readonly reach: "host" | "everywhere";
  /** `launch`: one by one. `count`: it only takes a number, and drained workers leave. */
  readonly control: "launch" | "count";
  readonly capabilities: PlatformCapabilities;
  launch(spec: LaunchSpec): Promise<{ readonly externalId: string }>;
  /**
   * Asks an instance to drain and leave. Returns at once; asked again after the grace period it
   * ends the instance by force. Unknown and gone instances are no error.
   */
  terminate(externalId: string): Promise<void>;
  /** Every instance of ours, also those launched before this process began. */
  list(): Promise<readonly InstanceStatus[]>;
}
