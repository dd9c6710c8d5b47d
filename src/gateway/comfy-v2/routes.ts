import type { FastifyInstance } from "fastify";

import type { GatewayContext } from "../context.ts";
import {
  deleteAsset,
  getAsset,
  getAssetContent,
  headAssetByHash,
  postAssetFromHash,
} from "./asset-routes.ts";
import { postAsset } from "./asset-upload.ts";
import { streamEvents, type StreamSlots } from "./events.ts";
import { listJobs } from "./job-list.ts";
import { cancelJob, getJob, getJobLogs, getJobWorkflow } from "./job-routes.ts";
import { requireMountName } from "./mount.ts";
import { postJob } from "./post-job.ts";

/** The operations of Comfy API v2, under whatever prefix `app` stands. */
export function registerComfyV2(
  app: FastifyInstance,
  context: GatewayContext,
  slots: StreamSlots,
): void {
  app.addHook("onRequest", async (request) => requireMountName(request));

  app.post("/api/v2/jobs", (request, reply) => postJob(request, reply, context));
  app.get("/api/v2/jobs", (request) => listJobs(request, context));
  app.get("/api/v2/jobs/:id", (request) => getJob(request, context));
  app.get("/api/v2/jobs/:id/workflow", (request) => getJobWorkflow(request, context));
  app.get("/api/v2/jobs/:id/logs", async (request, reply) => {
    const logs = await getJobLogs(request, context);
    return logs ?? reply.code(204).send();
  });
  // A HEAD of a stream would hold a stream open and say nothing.
  app.get("/api/v2/jobs/:id/events", { exposeHeadRoute: false }, (request, reply) =>
    streamEvents(request, reply, context, slots),
  );
  app.post("/api/v2/jobs/:id/cancel", (request) => cancelJob(request, context));

  app.post("/api/v2/assets", (request, reply) => postAsset(request, reply, context));
  app.post("/api/v2/assets/from-hash", (request, reply) =>
    postAssetFromHash(request, reply, context),
  );
  app.head("/api/v2/assets/by-hash/:hash", (request, reply) =>
    headAssetByHash(request, reply, context),
  );
  app.get("/api/v2/assets/:id", (request) => getAsset(request, context));
  app.delete("/api/v2/assets/:id", (request, reply) => deleteAsset(request, reply, context));
  app.get("/api/v2/assets/:id/content", (request, reply) =>
    getAssetContent(request, reply, context),
  );
}
