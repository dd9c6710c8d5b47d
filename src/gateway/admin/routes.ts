import type { FastifyInstance } from "fastify";

import type { GatewayContext } from "../context.ts";
import { getStats } from "./stats.ts";

/** Hearth's own API for those who run it; every route needs the scope `admin`. */
export function registerAdmin(app: FastifyInstance, context: GatewayContext): void {
  app.get("/api/hearth/v1/stats", (request) => getStats(request, context));
}
