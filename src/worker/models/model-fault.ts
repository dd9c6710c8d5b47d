import { HearthError, errorMessage } from "../../kernel/errors.ts";
import { AttemptFailed } from "../attempt-failed.ts";
import { failure } from "../classify.ts";

/** What passes by itself, or on another worker. */
const passing = /^HTTP (?:408|425|429|5\d\d)/u;

/** Why an attempt fails whose model could not be delivered. */
export function modelFailed(key: string, thrown: unknown): AttemptFailed {
  const code = thrown instanceof HearthError ? thrown.code : "model_unavailable";
  const message = `The model ${key} could not be delivered: ${errorMessage(thrown)}`;
  const failureClass = isFinal(thrown) ? "user" : "transient";
  return new AttemptFailed(failure(failureClass, code, message), { cause: thrown });
}

/** Whether another try would end the same way. */
function isFinal(thrown: unknown): boolean {
  if (!(thrown instanceof HearthError)) return false;
  if (thrown.code === "model_refused" || thrown.code === "source_forbidden") return true;
  const reason = thrown.details?.["reason"];
  const isStatus = typeof reason === "string" && reason.startsWith("HTTP ");
  return thrown.code === "model_unavailable" && isStatus && !passing.test(reason);
}
