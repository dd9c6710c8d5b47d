import type { FastifyInstance } from "fastify";
import { historyJson } from "../history.ts";
import { bodyObject, field } from "./body.ts";
import { HttpFailure } from "./failure.ts";
import { deletedIds } from "./routes-queue.ts";
import type { EngineState } from "./state.ts";

interface HistoryQuery {
  readonly max_items?: string;
  readonly offset?: string;
}

export function historyRoutes(app: FastifyInstance, { worker }: EngineState): void {
  const { history } = worker;

  app.get<{ Querystring: HistoryQuery }>("/history", ({ query }) => {
    const maxItems = wholeNumber(query.max_items, "max_items");
    const offset = wholeNumber(query.offset, "offset");
    return historyJson(history.slice(maxItems, offset));
  });

  app.get<{ Params: { id: string } }>("/history/:id", ({ params }) => {
    const entry = history.entries.get(params.id);
    return historyJson(entry === undefined ? [] : [[params.id, entry]]);
  });

  app.post("/history", (request, reply) => {
    const body = bodyObject(request);
    if (field(body, "clear") === true) history.clear();
    history.remove(deletedIds(body));
    return reply.send();
  });
}

function wholeNumber(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^-?\d{1,9}$/u.test(text)) throw new HttpFailure(400, `${name} must be an integer`);
  return Number(text);
}
