import { randomUUID } from "node:crypto";
import type { FastifyInstance, FastifyReply } from "fastify";
import { isUuid } from "../../kernel/id.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../kernel/json.ts";
import { findNamedFile } from "../files.ts";
import { parseGraph, type PromptGraph } from "../../workflow/check/prompt-graph.ts";
import {
  invalidPromptId,
  noPrompt,
  promptError,
  type PromptError,
} from "../../workflow/check/errors.ts";
import { modelHint } from "../nodes/loaders.ts";
import { validatePrompt } from "../../workflow/check/validate-prompt.ts";
import { bodyObject, field } from "./body.ts";
import type { EngineState } from "./state.ts";

/** Entries of `extra_data` that are secrets of Comfy's own services; never kept. */
const secretEntries = new Set(["auth_token_comfy_org", "api_key_comfy_org"]);

export function promptRoutes(app: FastifyInstance, state: EngineState): void {
  const { worker } = state;

  app.get("/prompt", () => ({ exec_info: { queue_remaining: worker.remaining } }));

  app.post("/prompt", async (request, reply) => {
    const body = bodyObject(request);
    const number = numberOf(body, () => worker.nextNumber());
    const prompt = field(body, "prompt");
    if (prompt === undefined) return refuse(reply, noPrompt);
    const givenId = field(body, "prompt_id") ?? null;
    if (givenId !== null && (typeof givenId !== "string" || !isUuid(givenId))) {
      return refuse(reply, invalidPromptId);
    }
    const graph = parseGraph(prompt);
    if (!graph.ok || !isJsonObject(prompt)) {
      const reason = graph.ok ? "" : graph.error;
      return refuse(reply, promptError("invalid_prompt", "The prompt is not valid", reason));
    }
    if (number === undefined) {
      const details = "number must be a number";
      return refuse(reply, promptError("invalid_prompt", "The request is not valid", details));
    }
    const valid = validatePrompt({
      graph: graph.value,
      classOf: ({ className = "" }) => state.registry.get(className),
      hintFor: modelHint,
      existingFiles: await findFiles(graph.value, state),
      targets: targetsOf(field(body, "partial_execution_targets")),
    });
    if (!valid.ok) return refuse(reply, valid.error.error, valid.error.nodeErrors);

    const promptId = givenId ?? randomUUID();
    const clientId = field(body, "client_id");
    worker.submit({
      number,
      promptId,
      prompt,
      extraData: extraDataOf(body, clientId, state.clock.now()),
      outputs: valid.value.outputs,
      classNames: classNames(graph.value),
      inputs: valid.value.inputs,
      clientId: typeof clientId === "string" ? clientId : undefined,
    });
    return { prompt_id: promptId, number, node_errors: valid.value.nodeErrors };
  });
}

function refuse(reply: FastifyReply, error: PromptError, nodeErrors: object = {}): object {
  void reply.code(400);
  return { error, node_errors: nodeErrors };
}

/** The place in the queue: as given, or the next one, negative for the front. */
function numberOf(body: JsonObject, next: () => number): number | undefined {
  const given = field(body, "number");
  if (given !== undefined && given !== null) {
    const number = typeof given === "string" && given.trim() === "" ? Number.NaN : Number(given);
    return Number.isFinite(number) ? number : undefined;
  }
  const number = next();
  return field(body, "front") === true ? -number : number;
}

function targetsOf(value: JsonValue | undefined): ReadonlySet<string> | undefined {
  if (!Array.isArray(value)) return undefined;
  return new Set(value.filter((id): id is string => typeof id === "string"));
}

function extraDataOf(body: JsonObject, clientId: JsonValue | undefined, nowMs: number): JsonObject {
  const given = field(body, "extra_data");
  const kept = Object.entries(isJsonObject(given) ? given : {}).filter(
    ([key]) => !secretEntries.has(key),
  );
  if (clientId !== undefined) kept.push(["client_id", clientId]);
  return Object.fromEntries([...kept, ["create_time", nowMs]]);
}

function classNames(graph: PromptGraph): Map<string, string> {
  return new Map([...graph.values()].map(({ id, className }) => [id, className ?? ""]));
}

/** The names in file inputs that are files now. */
async function findFiles(graph: PromptGraph, state: EngineState): Promise<Set<string>> {
  const names = new Set<string>();
  for (const { className, inputs } of graph.values()) {
    for (const input of state.registry.get(className ?? "")?.fileInputs ?? []) {
      const name = inputs?.get(input);
      if (typeof name === "string") names.add(name);
    }
  }
  const existing = new Set<string>();
  for (const name of names) {
    if ((await findNamedFile(state.folders, name)) !== undefined) existing.add(name);
  }
  return existing;
}
