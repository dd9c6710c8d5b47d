import type { ErrorCode } from "../kernel/error-table.ts";
import { HearthError } from "../kernel/errors.ts";
import { CliFailure } from "./failure.ts";

/** What the process exits with; docs/cli.md holds the same table, and a test compares them. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  auth: 3,
  notFound: 4,
  quota: 5,
  timeout: 6,
  unavailable: 7,
  changes: 10,
  interrupted: 130,
} as const;

const byErrorCode: Partial<Record<ErrorCode, number>> = {
  unauthorized: exitCodes.auth,
  forbidden: exitCodes.auth,
  not_found: exitCodes.notFound,
  blob_not_found: exitCodes.notFound,
  deployment_not_found: exitCodes.notFound,
  insufficient_credits: exitCodes.quota,
  queue_full: exitCodes.quota,
  tenant_limit: exitCodes.quota,
  rate_limited: exitCodes.quota,
  too_many_streams: exitCodes.quota,
  deployment_not_ready: exitCodes.quota,
  deadline_exceeded: exitCodes.timeout,
  database_unavailable: exitCodes.unavailable,
  service_unavailable: exitCodes.unavailable,
};

/** Anything that is not listed is a plain failure. */
export function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof CliFailure) return exitCodes[thrown.exit];
  if (thrown instanceof HearthError) return byErrorCode[thrown.code] ?? exitCodes.failed;
  return exitCodes.failed;
}
