import { resolve } from "node:path";

import type { JsonObject, JsonValue } from "../../kernel/json.ts";
import { formatBytes } from "../../kernel/bytes.ts";
import type { ApiClient } from "../api/client.ts";
import type { Job } from "../api/shapes.ts";
import { clientOf, type CommandContext } from "../command-context.ts";
import { CliFailure } from "../failure.ts";
import { downloadOutputs } from "../run/download.ts";
import { assertSucceeded, followJob } from "../run/follow.ts";
import { submitJob } from "../run/submit.ts";
import { uploadFile } from "../run/upload.ts";
import { assignInput, type InputAssignment } from "../run/values.ts";
import { readWorkflow } from "../run/workflow-file.ts";
import { readCatalogue } from "../workflow/catalogue.ts";

export interface RunFlags {
  readonly assignments: readonly InputAssignment[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly out: string;
  readonly force: boolean;
  readonly wait: boolean;
  readonly deployment: string | undefined;
  readonly priority: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly catalogue: string | undefined;
}

/** `hearth run`: from a workflow and files to saved outputs. */
export async function runWorkflow(
  context: CommandContext,
  workflowPath: string,
  flags: RunFlags,
): Promise<void> {
  const { io, output } = context;
  const client = clientOf(context, flags.deployment);
  const { catalogue: place } = flags;
  const catalogue = place === undefined ? null : (await readCatalogue(place, io)).catalogue;
  const source = await readWorkflow(workflowPath, io, catalogue);
  const workflow = await fillInputs(context, client, source, flags.assignments);
  const priority = flags.priority === undefined ? {} : { "hearth.priority": flags.priority };
  const job = await submitJob(client, { workflow, metadata: { ...flags.metadata, ...priority } });
  if (!flags.wait) return output.result(job, job.id);
  output.note(`job ${job.id}`);
  const { timeoutMs } = flags;
  const ended = await followJob(client, job.id, { io, output, timeoutMs, cancels: true });
  assertSucceeded(ended);
  await saveOutputs(context, client, ended, flags);
}

/** Downloads a job's outputs and prints their paths. */
export async function saveOutputs(
  context: CommandContext,
  client: ApiClient,
  job: Job,
  flags: { readonly out: string; readonly force: boolean },
): Promise<void> {
  const { io, output } = context;
  const folder = resolve(io.folder, flags.out);
  const files = await downloadOutputs(client, job, { folder, force: flags.force });
  if (files.length === 0) output.note("the job has no outputs");
  output.result({ job, files }, files.join("\n"));
}

/** Uploads each file once, however many inputs name it. */
async function fillInputs(
  context: CommandContext,
  client: ApiClient,
  source: JsonObject,
  assignments: readonly InputAssignment[],
): Promise<JsonObject> {
  let workflow = source;
  const uploads = new Map<string, JsonValue>();
  for (const { node, input, value } of assignments) {
    // Before any upload, so that a mistyped node costs nothing.
    const checked = assignInput(workflow, { node, input, value: null });
    if (!checked.ok) throw new CliFailure("usage", `In the workflow: ${checked.error}.`);
    const filled = assignInput(workflow, {
      node,
      input,
      value:
        value.kind === "value" ? value.value : await assetOf(context, client, value.path, uploads),
    });
    if (filled.ok) workflow = filled.value;
  }
  return workflow;
}

async function assetOf(
  context: CommandContext,
  client: ApiClient,
  path: string,
  uploads: Map<string, JsonValue>,
): Promise<JsonValue> {
  const known = uploads.get(path);
  if (known !== undefined) return known;
  const uploaded = await uploadFile(client, path, context.io.folder);
  const size = formatBytes(uploaded.sizeBytes);
  context.output.note(uploaded.wasSent ? `sent ${path} (${size})` : `${path} is there already`);
  const reference = { __type: "core/ASSET", info: { id: uploaded.assetId } };
  uploads.set(path, reference);
  return reference;
}
