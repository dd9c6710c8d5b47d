import type { Failure } from "./classify.ts";

/** Ends an attempt with a failure that the gateway is to hear of. */
export class AttemptFailed extends Error {
  override readonly name = "AttemptFailed";
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.error.message, options);
    this.failure = failure;
  }
}
