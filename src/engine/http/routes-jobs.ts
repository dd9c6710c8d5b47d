import type { FastifyInstance } from "fastify";
import { isUuid } from "../../kernel/id.ts";
import { promptTuple } from "../history.ts";
import { detailedJob, finishedJob, queuedJob, type Job } from "../jobs.ts";
import { bodyJson, bodyObject, field } from "./body.ts";
import { parseJobQuery, selectJobs, type RawJobQuery } from "./job-query.ts";
import type { EngineState } from "./state.ts";

export function jobRoutes(app: FastifyInstance, { worker }: EngineState): void {
  const liveJobs = (): Job[] => [
    ...(worker.running === undefined
      ? []
      : [queuedJob(promptTuple(worker.running), "in_progress")]),
    ...worker.pending.map((item) => queuedJob(promptTuple(item), "pending")),
  ];

  app.get<{ Querystring: RawJobQuery }>("/api/jobs", (request, reply) => {
    const query = parseJobQuery(request.query);
    if (!query.ok) return reply.code(400).send({ error: query.error });
    const past = [...worker.history.entries.values()].map(finishedJob);
    return reply.send(selectJobs([...liveJobs(), ...past], query.value));
  });

  app.get<{ Params: { id: string } }>("/api/jobs/:id", ({ params }, reply) => {
    const live = liveJobs().find(({ id }) => id === params.id);
    if (live !== undefined) return reply.send(live.json);
    const past = worker.history.entries.get(params.id);
    if (past !== undefined) return reply.send(detailedJob(past));
    return reply.code(404).send({ error: "Job not found" });
  });

  app.post<{ Params: { id: string } }>("/api/jobs/:id/cancel", ({ params }) => ({
    cancelled: worker.cancel([params.id]),
  }));

  app.post("/api/jobs/cancel", (request, reply) => {
    if (bodyJson(request) === undefined) {
      return reply.code(400).send({ error: "Request body must be valid JSON" });
    }
    const ids = field(bodyObject(request), "job_ids");
    if (!Array.isArray(ids)) return reply.code(400).send({ error: "job_ids must be a list" });
    const valid = ids.filter((id): id is string => typeof id === "string" && isUuid(id));
    if (valid.length < ids.length) {
      const invalid = ids.filter((id) => typeof id !== "string" || !isUuid(id));
      const error = "job_ids contains invalid id(s)";
      return reply.code(400).send({ error, invalid_ids: invalid });
    }
    return reply.send({ cancelled: worker.cancel(valid) });
  });
}
