import type { FastifyInstance } from "fastify";
import type { JsonObject } from "../../kernel/json.ts";
import { promptTuple } from "../history.ts";
import { bodyObject, field } from "./body.ts";
import type { EngineState } from "./state.ts";

export function queueRoutes(app: FastifyInstance, { worker }: EngineState): void {
  app.get("/queue", () => ({
    queue_running: worker.running === undefined ? [] : [promptTuple(worker.running)],
    queue_pending: worker.pending.map(promptTuple),
  }));

  app.post("/queue", (request, reply) => {
    const body = bodyObject(request);
    if (field(body, "clear") === true) worker.clearPending();
    worker.removePending(deletedIds(body));
    return reply.send();
  });

  app.post("/interrupt", (request, reply) => {
    const promptId = field(bodyObject(request), "prompt_id");
    if (typeof promptId === "string" && promptId !== "") worker.interrupt(promptId);
    else worker.interrupt();
    return reply.send();
  });

  app.post("/free", (request, reply) => {
    const body = bodyObject(request);
    const cache = field(body, "free_memory") === true;
    // In ComfyUI too, models leave with the results.
    const models = cache || field(body, "unload_models") === true;
    worker.free({ models, cache });
    return reply.send();
  });
}

/** The ids of `{delete: […]}`. */
export function deletedIds(body: JsonObject): string[] {
  const ids = field(body, "delete");
  return Array.isArray(ids) ? ids.filter((id): id is string => typeof id === "string") : [];
}
