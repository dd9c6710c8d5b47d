/** Wall-clock time as an argument: shells pass a real clock, tests and the simulator a virtual one. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}
