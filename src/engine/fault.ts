/**
 * A node's own failure. `exceptionType` is the name that clients see as `exception_type`;
 * the built-in nodes use Python's names, because clients branch on them.
 */
export class NodeFault extends Error {
  override readonly name = "NodeFault";
  readonly exceptionType: string;

  constructor(exceptionType: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exceptionType = exceptionType;
  }
}

/** Thrown inside a node when its prompt was cancelled. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** The `exception_type` of anything thrown by a node. */
export function exceptionType(thrown: unknown): string {
  if (thrown instanceof NodeFault) return thrown.exceptionType;
  return thrown instanceof Error ? thrown.name : "Exception";
}
