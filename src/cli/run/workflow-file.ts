import type { JsonObject } from "../../kernel/json.ts";
import type { NodeCatalogue } from "../../workflow/node-class.ts";
import { CliFailure } from "../failure.ts";
import type { Io } from "../output.ts";
import { readingOf } from "../workflow/reading.ts";
import { readSource } from "../workflow/source.ts";

/**
 * Reads a workflow in API format; one of the editor is converted where a node catalogue says how.
 * Whether it is valid is for the server to say. Errors: `usage`, `invalid_workflow`.
 */
export async function readWorkflow(
  path: string,
  io: Io,
  catalogue: NodeCatalogue | null = null,
): Promise<JsonObject> {
  const source = await readSource(path, io);
  if (source.api !== null) return source.api;
  if (catalogue !== null) return readingOf(source, catalogue).api;
  throw new CliFailure("usage", `${path} is in the editor's format.`, {
    hint: "Export it with Workflow > Export (API), or add --catalogue with the URL of a ComfyUI.",
  });
}
