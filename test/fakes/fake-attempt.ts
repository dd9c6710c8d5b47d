import type { z } from "zod";

import {
  canceledRequestSchema,
  completeRequestSchema,
  failRequestSchema,
  outputKey,
  releaseRequestSchema,
  reportRequestSchema,
  uploadsRequestSchema,
} from "../../src/protocol/worker-link.ts";
import type { FakeBlobs } from "./fake-blobs.ts";
import type { FakeJob } from "./fake-job.ts";

/** An answer other than 200. */
export class Rejection extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string) {
    super(code);
    this.status = status;
    this.code = code;
  }
}

export type Reader = <T>(schema: z.ZodType<T>, body: unknown) => T;

/** Reads bodies by their schemas, and remembers those that do not fit. */
export function reader(violations: string[]): Reader {
  return (schema, body) => {
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    violations.push(parsed.error.message);
    throw new Rejection(422, "invalid_request");
  };
}

interface VerbContext {
  readonly job: FakeJob;
  readonly blobs: FakeBlobs;
  readonly url: string;
  readonly read: Reader;
}

/** What a worker says of an attempt that is still its own. */
export function applyVerb(
  { job, blobs, url, read }: VerbContext,
  verb: string,
  body: unknown,
): unknown {
  if (verb === "report") {
    const report = read(reportRequestSchema, body);
    for (const output of report.outputs ?? []) blobs.check(output);
    job.reports.push(report);
    return { verdict: job.state === "canceling" ? "cancel" : "continue" };
  }
  if (verb === "uploads") {
    const uploads = read(uploadsRequestSchema, body).files.map(({ hash }) => {
      const key = outputKey(job.jobId, job.epoch, hash);
      return { key, url: `${url}/blobs/${key}`, headers: { "x-signed": "yes" } };
    });
    return { uploads };
  }
  if (verb === "release") {
    const { reason } = read(releaseRequestSchema, body);
    job.releases.push(reason);
    // After the others the worker may still deliver.
    job.state = reason === "not_ready" ? "queued" : "released";
    return {};
  }
  if (verb === "complete") {
    const request = read(completeRequestSchema, body);
    for (const { hash, dataBase64 } of request.contents ?? []) {
      blobs.put(outputKey(job.jobId, job.epoch, hash), Buffer.from(dataBase64, "base64"));
    }
    for (const output of request.outputs) blobs.check(output);
    job.end = { kind: "completed", body: request };
  } else if (verb === "fail") {
    job.end = { kind: "failed", body: read(failRequestSchema, body) };
  } else {
    read(canceledRequestSchema, body);
    job.end = { kind: "canceled" };
  }
  job.state = "ended";
  return {};
}
