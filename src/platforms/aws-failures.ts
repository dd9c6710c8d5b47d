import { parseRetryAfterMs, type CallFailure } from "./calls.ts";

const throttles = /^(?:Throttling|TooManyRequests|RequestLimitExceeded)/u;
const quotas = /LimitExceeded|ServiceQuota/u;

/** What an error of any client of the AWS SDK means. */
export function awsFailureOf(thrown: unknown, nowMs: number): CallFailure {
  if (!(thrown instanceof Error)) return { kind: "unreachable" };
  const { name, message } = thrown;
  const status = statusCodeOf(thrown);
  if (throttles.test(name) || status === 429) {
    return { kind: "throttled", retryAfterMs: parseRetryAfterMs(retryAfterOf(thrown), nowMs) };
  }
  if (quotas.test(name)) return { kind: "quota", reason: message };
  if (status !== undefined && status >= 400 && status < 500) {
    return { kind: "refused", reason: `${name}: ${message}` };
  }
  if (name === "CredentialsProviderError") return { kind: "refused", reason: message };
  return { kind: "unreachable" };
}

function statusCodeOf(thrown: Error): number | undefined {
  const { $metadata } = thrown as { $metadata?: { httpStatusCode?: number } };
  return $metadata?.httpStatusCode;
}

function retryAfterOf(thrown: Error): string | undefined {
  const { $response } = thrown as { $response?: { headers?: Record<string, string> } };
  return $response?.headers?.["retry-after"];
}
