import { HearthError } from "../../kernel/errors.ts";

/** Undefined where no object is; other failures go on as ours. */
export function absent(thrown: unknown): undefined {
  const name = thrown instanceof Error ? thrown.name : "";
  if (name !== "NotFound" && name !== "NoSuchKey") throw storageError(thrown);
}

/** Every failure of the object store or of the way to it is `service_unavailable`. */
export function storageError(thrown: unknown): unknown {
  if (thrown instanceof HearthError || !isSdkFailure(thrown)) return thrown;
  const message = `The object store did not answer as it should (${thrown.name})`;
  return new HearthError("service_unavailable", { message, cause: thrown, retryAfterSeconds: 5 });
}

export function failed(thrown: unknown): never {
  throw storageError(thrown);
}

function isSdkFailure(thrown: unknown): thrown is Error {
  return thrown instanceof Error && ("$metadata" in thrown || "code" in thrown);
}
