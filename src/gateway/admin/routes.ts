import type { FastifyInstance } from "fastify";

import type { GatewayContext } from "../context.ts";
import { getScaling } from "./scaling.ts";
import { getStats } from "./stats.ts";

/** Hearth's own API for those who run it; reading what to scale to needs `read`, the rest `admin`. */
export function registerAdmin(app: FastifyInstance, context: GatewayContext): void {
  app.get("/api/hearth/v1/deployments/:deployment/scaling", (request) =>
    getScaling(request, context),
  );
  app.get("/api/hearth/v1/stats", (request) => getStats(request, context));
}
