import { isErrorCode } from "../kernel/error-table.ts";
import { HearthError } from "../kernel/errors.ts";
import { isJsonObject } from "../kernel/json.ts";

/** The gateway wants no more to do with this worker; nothing but a new worker helps. */
export class Refused extends Error {
  override readonly name = "Refused";
}

/** The gateway is there but cannot serve now. */
export class Overloaded extends Error {
  override readonly name = "Overloaded";
}

/** What a reply other than 2xx means to the caller. */
export function refusalOf(status: number, body: unknown): HearthError | Overloaded {
  const error = isJsonObject(body) && isJsonObject(body["error"]) ? body["error"] : {};
  const message = typeof error["message"] === "string" ? error["message"] : `HTTP ${status}`;
  if (status >= 500 || status === 429 || status === 408) return new Overloaded(message);
  const code = typeof error["code"] === "string" ? error["code"] : "";
  if (isErrorCode(code)) return new HearthError(code, { message });
  if (status === 401) return new HearthError("unauthorized", { message });
  if (status === 403) return new HearthError("forbidden", { message });
  if (status === 409) return new HearthError("stale_attempt", { message });
  return new HearthError("invalid_request", { message });
}

/** Whether `thrown` says that the attempt is no longer ours to speak of. */
export function isStale(thrown: unknown): boolean {
  return thrown instanceof HearthError && thrown.code === "stale_attempt";
}
