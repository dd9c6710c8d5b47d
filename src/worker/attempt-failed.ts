import type { Failure } from "./classify.ts";

/** Ends an attempt that had to wait too long for its turn: the job goes back to the queue. */
export class GivenBack extends Error {
  override readonly name = "GivenBack";
}

/** Ends an attempt with a failure that the gateway is to hear of. */
export class AttemptFailed extends Error {
  override readonly name = "AttemptFailed";
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.error.message, options);
    this.failure = failure;
  }
}
