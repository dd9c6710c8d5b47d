import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import { HearthError } from "../../kernel/errors.ts";
import type { JsonObject } from "../../kernel/json.ts";
import { isPassing, type ApiClient } from "../api/client.ts";
import { jobListSchema, jobSchema, type Job } from "../api/shapes.ts";
import { fetchJob } from "../api/watch-job.ts";

export interface Submission {
  readonly workflow: JsonObject;
  readonly metadata: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** Marks the jobs of one submit, so that one whose answer was lost can be found. */
const submitLabel = "cli.submit";
const pausesMs = [250, 500, 1_000, 2_000, 4_000];

/** Submits once, whatever becomes of the connection meanwhile. */
export async function submitJob(client: ApiClient, submission: Submission): Promise<Job> {
  const { workflow, signal } = submission;
  const key = randomUUID();
  const metadata = { ...submission.metadata, [submitLabel]: key };
  const request = {
    body: JSON.stringify({ workflow, metadata }),
    headers: { "Idempotency-Key": key },
    signal,
  };
  for (let attempt = 0; ; attempt++) {
    try {
      return await client.json(jobSchema, "POST", "/api/v2/jobs", request);
    } catch (thrown) {
      const isReused = thrown instanceof HearthError && thrown.code === "idempotency_key_reuse";
      if (isReused && attempt > 0) return findSubmitted(client, key, thrown);
      const pauseMs = pausesMs[attempt];
      if (!isWorthRepeating(thrown) || pauseMs === undefined) throw thrown;
      await delay(pauseMs, undefined, { signal });
    }
  }
}

/** A server that limits us should not be asked again by a script that nobody watches. */
function isWorthRepeating(thrown: unknown): boolean {
  return isPassing(thrown) && thrown instanceof HearthError && thrown.httpStatus >= 500;
}

async function findSubmitted(client: ApiClient, key: string, cause: unknown): Promise<Job> {
  const path = `/api/v2/jobs?limit=1&metadata[${submitLabel}]=${key}`;
  const { jobs } = await client.json(jobListSchema, "GET", path);
  const [found] = jobs;
  if (found === undefined) throw cause;
  return fetchJob(client, found.id);
}
