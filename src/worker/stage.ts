import { openAsBlob } from "node:fs";
import { rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";

import { FormData, type Dispatcher } from "undici";

import type { Backoff } from "../kernel/backoff.ts";
import type { InputFile } from "../protocol/worker-link.ts";
import { AttemptFailed } from "./attempt-failed.ts";
import { failure } from "./classify.ts";
import type { ComfySession } from "./comfyui/session.ts";
import { downloadInput } from "./download.ts";
import { mapLimited } from "./retry.ts";
import { stagedName, withValues, type StagedName } from "./stage-paths.ts";

export interface StageContext {
  readonly session: ComfySession;
  readonly http: Dispatcher;
  /** Scratch for files on their way to a ComfyUI whose folders we cannot reach. */
  readonly folder: string;
  readonly backoff: Backoff;
  readonly signal: AbortSignal;
}

const parallelDownloads = 4;

/**
 * Puts every input where ComfyUI finds it and returns the workflow that names them. Throws
 * `AttemptFailed`.
 */
export async function stageInputs(
  context: StageContext,
  workflow: Readonly<Record<string, unknown>>,
  inputs: readonly InputFile[],
): Promise<Readonly<Record<string, unknown>>> {
  if (inputs.length === 0) return workflow;
  // One file may be named in several places; it travels once.
  const files = new Map(inputs.map((input) => [keyOf(input), input]));
  const values = new Map<string, string>();
  await mapLimited([...files], parallelDownloads, async ([key, input]) => {
    values.set(key, await stageFile(context, input));
  });
  const placed = inputs.map((input) => ({
    path: input.path,
    value: values.get(keyOf(input)) ?? input.filename,
  }));
  return withValues(workflow, placed);
}

function keyOf({ hash, filename }: InputFile): string {
  return `${hash}/${filename}`;
}

/** The value that names the file in a workflow. */
async function stageFile(context: StageContext, input: InputFile): Promise<string> {
  const { baseDirectory } = context.session;
  const name = stagedName(input.hash, input.filename);
  try {
    return baseDirectory === undefined
      ? await uploadFile(context, input, name)
      : await placeFile(context, input, name, baseDirectory);
  } catch (thrown) {
    context.signal.throwIfAborted();
    if (thrown instanceof AttemptFailed || context.session.gone.aborted) throw thrown;
    const message = `The input ${input.filename} could not be placed on the worker.`;
    throw new AttemptFailed(failure("transient", "input_unavailable", message), { cause: thrown });
  }
}

async function placeFile(
  context: StageContext,
  input: InputFile,
  { subfolder, filename }: StagedName,
  baseDirectory: string,
): Promise<string> {
  const { http, backoff, signal } = context;
  const target = join(baseDirectory, "input", subfolder, filename);
  const present = await stat(target).catch(() => undefined);
  if (present?.isFile() === true && present.size === input.sizeBytes) {
    // Marks it as used, for whoever clears out old files.
    const now = new Date();
    await utimes(target, now, now).catch(() => undefined);
  } else {
    await downloadInput(http, input, target, backoff, signal);
  }
  return `${subfolder}/${filename}`;
}

async function uploadFile(
  context: StageContext,
  input: InputFile,
  { subfolder, filename }: StagedName,
): Promise<string> {
  const { session, http, folder, backoff, signal } = context;
  const { client } = session;
  const sizeBytes = await client.sizeOf({ filename, subfolder, folder: "input" }, signal);
  if (sizeBytes === input.sizeBytes) return `${subfolder}/${filename}`;
  const local = join(folder, "inputs", subfolder.replaceAll("/", "-"), filename);
  await downloadInput(http, input, local, backoff, signal);
  try {
    const form = new FormData();
    form.set("image", await openAsBlob(local), filename);
    form.set("type", "input");
    form.set("subfolder", subfolder);
    form.set("overwrite", "true");
    const value = await client.upload(form, signal);
    if (value !== undefined) return value;
  } finally {
    await rm(local, { force: true });
  }
  const message = `ComfyUI does not accept the input ${input.filename}.`;
  throw new AttemptFailed(failure("user", "input_unavailable", message));
}
