import { createReadStream } from "node:fs";

import type { Dispatcher } from "undici";

import type { Backoff } from "../kernel/backoff.ts";
import type {
  CompleteRequest,
  OutputFile,
  UploadsRequest,
  UploadsResponse,
} from "../protocol/worker-link.ts";
import { AttemptFailed } from "./attempt-failed.ts";
import { failure } from "./classify.ts";
import { discard, fetchOutput, type FetchContext, type FetchedOutput } from "./fetch-output.ts";
import { Unreachable, send } from "./http.ts";
import { isTruncatedPng, mediaTypeOf, plainText, type MediaType } from "./media-types.ts";
import type { PlannedOutput } from "./outputs.ts";
import { mapLimited, retrying } from "./retry.ts";

type SignedUpload = UploadsResponse["uploads"][number];

type InlineContent = NonNullable<CompleteRequest["contents"]>[number];

/** What the completion is to say. */
export type Stored = Pick<CompleteRequest, "outputs" | "contents">;

export interface StoreContext extends FetchContext {
  /** Outputs of at most this many bytes together are not uploaded but sent with the completion. */
  readonly inlineBytes: number;
  readonly keyOf: (hash: string) => string;
  readonly http: Dispatcher;
  readonly backoff: Backoff;
  /** Asks the gateway where to put files. */
  readonly signUploads: (files: UploadsRequest["files"]) => Promise<readonly SignedUpload[]>;
  /** Hears of outputs as they are stored, but not of the last, which go with the completion. */
  readonly onStored: (outputs: readonly OutputFile[]) => void;
}

/** What one completion can list. */
const maxOutputs = 1_000;
/** Files fetched, signed and sent together; bounds memory to this many times what is held of one. */
const batchSize = 16;
const parallelTransfers = 4;
const maxTries = 5;
const transferTimeoutMs = 120_000;

/**
 * Sends every output to the object store, in order. Throws `AttemptFailed`, or `MissingOutput` for
 * a file that ComfyUI has only in its memory.
 */
export async function storeOutputs(
  context: StoreContext,
  planned: readonly PlannedOutput[],
): Promise<Stored> {
  if (planned.length > maxOutputs) {
    const message = `The workflow made ${planned.length} files; at most ${maxOutputs} can be kept.`;
    throw new AttemptFailed(failure("user", "upload_failed", message));
  }
  const stored: OutputFile[] = [];
  const contents: InlineContent[] = [];
  /** Keys by hash: equal files travel once. */
  const keys = new Map<string, string>();
  for (let start = 0; start < planned.length; start += batchSize) {
    // Only outputs that nobody is told of before the completion may travel with it.
    const inline = planned.length <= batchSize ? contents : undefined;
    const part = planned.slice(start, start + batchSize);
    const batch = await storeBatch(context, part, keys, inline);
    stored.push(...batch);
    if (start + batchSize < planned.length) context.onStored(batch);
  }
  return { outputs: stored, contents };
}

async function storeBatch(
  context: StoreContext,
  planned: readonly PlannedOutput[],
  keys: Map<string, string>,
  inline: InlineContent[] | undefined,
): Promise<OutputFile[]> {
  const fetched: FetchedOutput[] = [];
  try {
    const batch = await mapLimited(planned, parallelTransfers, async (plan) => {
      const output = await fetchAgain(context, plan);
      fetched.push(output);
      return { output, media: mediaOf(output) };
    });
    const fresh = new Map<string, (typeof batch)[number]>();
    for (const one of batch) if (!keys.has(one.output.hash)) fresh.set(one.output.hash, one);
    const files = [...fresh.values()];
    const contents = inline && inlineContents(files, context.inlineBytes);
    if (contents !== undefined) {
      inline?.push(...contents);
      for (const { hash } of contents) keys.set(hash, context.keyOf(hash));
    } else if (files.length > 0) {
      const uploads = await context.signUploads(
        files.map(({ output, media }) => ask(output, media)),
      );
      await mapLimited(files, parallelTransfers, async ({ output, media }, index) => {
        keys.set(output.hash, await putAgain(context, output, media, uploads[index]));
      });
    }
    return batch.map(({ output, media }) => outputOf(output, media, keys.get(output.hash) ?? ""));
  } finally {
    await Promise.all(fetched.map(discard));
  }
}

/** The bytes of these files if they are few enough to travel with the completion. */
function inlineContents(
  files: readonly { readonly output: FetchedOutput }[],
  limitBytes: number,
): InlineContent[] | undefined {
  let leftBytes = limitBytes;
  const contents: InlineContent[] = [];
  for (const { output } of files) {
    leftBytes -= output.sizeBytes;
    if (output.body.kind !== "memory" || leftBytes < 0) return undefined;
    contents.push({ hash: output.hash, dataBase64: output.body.bytes.toString("base64") });
  }
  return contents;
}

function ask({ hash, sizeBytes }: FetchedOutput, { contentType }: MediaType) {
  return { hash, sizeBytes, contentType };
}

function outputOf(output: FetchedOutput, media: MediaType, key: string): OutputFile {
  const { hash, sizeBytes, planned } = output;
  const { nodeId, name } = planned;
  return { nodeId: nodeId.slice(0, 300), name, ...media, hash, sizeBytes, key };
}

async function fetchAgain(context: StoreContext, plan: PlannedOutput): Promise<FetchedOutput> {
  try {
    return await retrying(() => fetchOutput(context, plan), {
      ...context.backoff,
      signal: context.signal,
      maxTries,
      isRetryable: (thrown) => thrown instanceof Unreachable && !context.session.gone.aborted,
    });
  } catch (thrown) {
    if (!(thrown instanceof Unreachable)) throw thrown;
    throw uploadFailed(`${plan.name} could not be read from ComfyUI: ${thrown.message}`, thrown);
  }
}

/** What the file is. Throws `AttemptFailed` for one that was not written to its end. */
function mediaOf(output: FetchedOutput): MediaType {
  const { planned, sizeBytes, firstBytes, lastBytes } = output;
  if (planned.source.kind === "text") return plainText;
  const media = mediaTypeOf(planned.name, firstBytes);
  if (sizeBytes === 0 && media.type !== "text") {
    throw uploadFailed(`${planned.name} of node ${planned.nodeId} is empty.`);
  }
  if (isTruncatedPng(firstBytes, lastBytes)) {
    throw uploadFailed(`${planned.name} of node ${planned.nodeId} is cut off.`);
  }
  return media;
}

/** The key under which the file is stored now. */
async function putAgain(
  context: StoreContext,
  output: FetchedOutput,
  media: MediaType,
  upload: SignedUpload | undefined,
): Promise<string> {
  let signed = upload;
  const once = async (): Promise<string> => {
    // A signature may have run out while other files were under way.
    [signed] = signed === undefined ? await context.signUploads([ask(output, media)]) : [signed];
    if (signed === undefined) throw uploadFailed("The gateway gave no place for an output.");
    const target = signed;
    signed = undefined;
    await put(context, output, target);
    return target.key;
  };
  try {
    return await retrying(once, {
      ...context.backoff,
      signal: context.signal,
      maxTries,
      isRetryable: (thrown) => thrown instanceof Unreachable,
    });
  } catch (thrown) {
    if (!(thrown instanceof Unreachable)) throw thrown;
    const { name } = output.planned;
    throw uploadFailed(`${name} could not be stored: ${thrown.message}`, thrown);
  }
}

async function put(
  { http, signal }: StoreContext,
  { body, sizeBytes }: FetchedOutput,
  { url, headers }: SignedUpload,
): Promise<void> {
  const isSized = Object.keys(headers).some((name) => name.toLowerCase() === "content-length");
  const reply = await send(http, {
    method: "PUT",
    url,
    headers: { ...headers, ...(!isSized && { "content-length": String(sizeBytes) }) },
    body: body.kind === "memory" ? body.bytes : createReadStream(body.path),
    signal,
    timeoutMs: transferTimeoutMs,
  });
  await reply.body.dump();
  if (reply.statusCode < 200 || reply.statusCode > 299) {
    throw new Unreachable(url, new Error(`HTTP ${reply.statusCode}`));
  }
}

function uploadFailed(message: string, cause?: unknown): AttemptFailed {
  return new AttemptFailed(failure("transient", "upload_failed", message), { cause });
}
