import type { FastifyRequest } from "fastify";

import { HearthError } from "../../kernel/errors.ts";
import { isUuid } from "../../kernel/id.ts";
import type { JobListItem } from "../../protocol/comfy-v2.ts";
import type { JobListQuery } from "../../store/jobs.ts";
import { authenticate, resolveDeployment } from "../auth.ts";
import type { GatewayContext } from "../context.ts";
import { jobListItem } from "./translate.ts";

const defaultLimit = 50;
const maxLimit = 200;
const maxFilters = 3;

export interface JobListBody {
  readonly jobs: readonly JobListItem[];
  readonly next_cursor?: string;
}

/** Newest first, each job once; under `/d/{deployment}` only its own. */
export async function listJobs(
  request: FastifyRequest,
  context: GatewayContext,
): Promise<JobListBody> {
  const caller = await authenticate(request, context, "read");
  const deployment = await resolveDeployment(request, context, caller);
  const isMounted = (request.params as { readonly deployment?: string }).deployment !== undefined;
  const query = readListQuery(request.query as Readonly<Record<string, string | string[]>>);
  const jobs = await context.store.jobs.list({
    ...query,
    limit: query.limit + 1,
    tenantId: caller.tenantId,
    ...(isMounted && { deploymentId: deployment.id }),
  });
  const page = jobs.slice(0, query.limit);
  const last = page.at(-1);
  return {
    jobs: page.map(jobListItem),
    ...(jobs.length > page.length && last !== undefined && { next_cursor: cursorOf(last.id) }),
  };
}

/** Errors: `invalid_metadata_filter`, `invalid_cursor`, `invalid_request` naming the parameter. */
export function readListQuery(
  query: Readonly<Record<string, string | readonly string[]>>,
): Omit<JobListQuery, "tenantId" | "deploymentId"> {
  const metadata: Record<string, string> = {};
  let limit = defaultLimit;
  let beforeId: string | undefined;
  for (const [name, value] of Object.entries(query)) {
    const filter = /^metadata\[(.*)\]$/u.exec(name)?.[1];
    if (typeof value !== "string") throw refused(name, "must be given once");
    if (filter !== undefined)
      metadata[requireFilterKey(filter)] = requireFilterValue(filter, value);
    else if (name === "limit") limit = requireLimit(value);
    else if (name === "cursor") beforeId = requireCursor(value);
    else throw refused(name, "is not a parameter of this list");
  }
  if (Object.keys(metadata).length > maxFilters) throw badFilter(`more than ${maxFilters} filters`);
  return {
    limit,
    ...(beforeId !== undefined && { beforeId }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
}

function cursorOf(jobId: string): string {
  return Buffer.from(jobId).toString("base64url");
}

function requireCursor(cursor: string): string {
  const id = Buffer.from(cursor, "base64url").toString("latin1");
  if (!isUuid(id) || cursorOf(id) !== cursor) throw new HearthError("invalid_cursor");
  return id;
}

function requireLimit(text: string): number {
  const limit = /^\d{1,4}$/u.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > maxLimit) throw refused("limit", `must be 1 to ${maxLimit}`);
  return limit;
}

function requireFilterKey(key: string): string {
  if (!/^[A-Za-z0-9_.-]{1,40}$/u.test(key)) throw badFilter("not a label key");
  return key;
}

function requireFilterValue(key: string, value: string): string {
  if (value.length > 500 || value.includes("\0") || !value.isWellFormed()) {
    throw badFilter(`the value of ${key} is not a label value`);
  }
  return value;
}

function badFilter(reason: string): HearthError {
  return new HearthError("invalid_metadata_filter", { details: { field: "metadata", reason } });
}

function refused(field: string, reason: string): HearthError {
  return new HearthError("invalid_request", {
    message: `${field.slice(0, 80)} ${reason}`,
    details: { field: field.slice(0, 80), reason },
  });
}
