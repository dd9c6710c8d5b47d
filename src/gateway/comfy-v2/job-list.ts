import type { FastifyRequest } from "fastify";

import { HearthError } from "../../kernel/errors.ts";
import { isUuid } from "../../kernel/id.ts";
import type { JobListItem } from "../../protocol/comfy-v2.ts";
import type { JobListQuery } from "../../store/jobs.ts";
import { authenticate, resolveDeployment } from "../auth.ts";
import type { GatewayContext } from "../context.ts";
import { mountedDeployment } from "./mount.ts";
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
  const query = readListQuery(request.query as Readonly<Record<string, string | string[]>>);
  const jobs = await context.store.jobs.list({
    ...query,
    limit: query.limit + 1,
    tenantId: caller.tenantId,
    ...(mountedDeployment(request) !== undefined && { deploymentId: deployment.id }),
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
  const metadata = new Map<string, string>();
  let limit = defaultLimit;
  let beforeId: string | undefined;
  for (const [name, value] of Object.entries(query)) {
    if (name.startsWith("metadata")) {
      const key = requireFilterKey(name);
      metadata.set(key, requireFilterValue(key, value));
    } else if (typeof value !== "string") throw refused(name, "must be given once");
    else if (name === "limit") limit = requireLimit(value);
    else if (name === "cursor") beforeId = requireCursor(value);
    else throw refused(name, "is not a parameter of this list");
  }
  if (metadata.size > maxFilters) throw badFilter(`has more than ${maxFilters} filters`);
  return {
    limit,
    ...(beforeId !== undefined && { beforeId }),
    ...(metadata.size > 0 && { metadata: Object.fromEntries(metadata) }),
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

/** The label key in `metadata[key]`. */
function requireFilterKey(parameter: string): string {
  const key = /^metadata\[([A-Za-z0-9_.-]{1,40})\]$/u.exec(parameter)?.[1];
  if (key === undefined) throw badFilter("is not written as metadata[key]=value");
  return key;
}

function requireFilterValue(key: string, value: string | readonly string[]): string {
  if (typeof value !== "string") throw badFilter(`names ${key} twice`);
  if (value.length > 500 || value.includes("\0") || !value.isWellFormed()) {
    throw badFilter(`has no label value for ${key}`);
  }
  return value;
}

function badFilter(reason: string): HearthError {
  return new HearthError("invalid_metadata_filter", {
    message: `The metadata filter ${reason}`,
    details: { field: "metadata", reason },
  });
}

function refused(field: string, reason: string): HearthError {
  return new HearthError("invalid_request", {
    message: `${field.slice(0, 80)} ${reason}`,
    details: { field: field.slice(0, 80), reason },
  });
}
