/** What the shell is to do, with the reason for people. */
export type ScaleCommand =
  | {
      readonly action: "launch";
      readonly offer: string;
      readonly count: number;
      readonly reason: string;
    }
  | { readonly action: "drain"; readonly workerId: string; readonly reason: string };

/** Plain data: stored with its snapshot, printed and decided again. */
export interface ScaleDecision {
  readonly commands: readonly ScaleCommand[];
  /** Workers wanted after this decision, those that leave not counted. */
  readonly target: number;
  /** What the number comes from, in the order in which it was considered. */
  readonly because: readonly Consideration[];
  readonly patienceMs: number;
  readonly keepAliveMs: number;
  /** How many like jobs a worker should take in one go; 1 for no batches. */
  readonly batch: number;
  /** When it may turn out otherwise without anything new; null for only when something happens. */
  readonly reviewAtMs: number | null;
}

export interface Consideration {
  readonly rule:
    | "backlog"
    | "surge"
    | "load_floor"
    | "schedule"
    | "minimum"
    | "growth"
    | "maximum"
    | "budget"
    | "quota"
    | "spot_reserve"
    | "keep_alive"
    | "cooldown"
    | "course";
  /** What the rule asked for or left, in workers. */
  readonly workers: number;
  readonly text: string;
}
