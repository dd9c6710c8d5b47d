import { HearthError, errorMessage } from "../../kernel/errors.ts";
import { RequestFault } from "./replies.ts";

/** A fault on its way between threads, which keep only an error's text. */
export type PackedFault =
  | {
      readonly kind: "request";
      readonly of: RequestFault["kind"];
      readonly message: string;
      readonly cause: string | null;
    }
  | {
      readonly kind: "hearth";
      readonly code: HearthError["code"];
      readonly message: string;
      readonly details: HearthError["details"];
    }
  | { readonly kind: "other"; readonly message: string };

export function packFault(thrown: unknown): PackedFault {
  const message = errorMessage(thrown);
  if (thrown instanceof RequestFault) {
    const cause = thrown.cause === undefined ? null : errorMessage(thrown.cause);
    return { kind: "request", of: thrown.kind, message, cause };
  }
  if (thrown instanceof HearthError) {
    const { code, details } = thrown;
    return { kind: "hearth", code, message, details };
  }
  return { kind: "other", message };
}

export function unpackFault(packed: PackedFault): Error {
  const { message } = packed;
  if (packed.kind === "request") {
    const cause = packed.cause === null ? {} : { cause: new Error(packed.cause) };
    return new RequestFault(packed.of, message, cause);
  }
  if (packed.kind === "other") return new Error(message);
  const { code, details } = packed;
  return new HearthError(code, { message, ...(details !== undefined && { details }) });
}
