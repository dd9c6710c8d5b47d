import { createWriteStream } from "node:fs";
import { mkdir, open, realpath, rm } from "node:fs/promises";
import { join, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { Blake3 } from "../kernel/blake3.ts";
import { Unreachable } from "./http.ts";
import type { ComfySession } from "./comfyui/session.ts";
import type { OutputSource, PlannedOutput } from "./outputs.ts";

/** An output's bytes on this machine, hashed. */
export interface FetchedOutput {
  readonly planned: PlannedOutput;
  readonly hash: string;
  readonly sizeBytes: number;
  readonly firstBytes: Uint8Array;
  readonly lastBytes: Uint8Array;
  readonly body:
    | { readonly kind: "memory"; readonly bytes: Buffer }
    | { readonly kind: "file"; readonly path: string; readonly isOurs: boolean };
}

/** ComfyUI names a file in its history that it no longer has. */
export class MissingOutput extends Error {
  override readonly name = "MissingOutput";
}

export interface FetchContext {
  readonly session: ComfySession;
  /** Scratch for files too big to hold. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Files up to this size are read once and kept; bigger ones are read twice. */
const memoryBytes = 4 * 1024 * 1024;
const edgeBytes = 1024;
const chunkBytes = 1024 * 1024;

/** Brings and hashes one output. Throws `MissingOutput`, or `Unreachable` when ComfyUI is. */
export async function fetchOutput(
  context: FetchContext,
  planned: PlannedOutput,
): Promise<FetchedOutput> {
  const { source } = planned;
  if (source.kind === "text") return inMemory(planned, Buffer.from(source.text));
  const { baseDirectory } = context.session;
  const local = baseDirectory === undefined ? undefined : await localPath(baseDirectory, source);
  return local === undefined
    ? fetchOverHttp(context, planned, source)
    : readLocal(planned, local, context.signal);
}

export async function discard(output: FetchedOutput): Promise<void> {
  const { body } = output;
  if (body.kind === "file" && body.isOurs) await rm(body.path, { force: true });
}

/** The file's real path if it lies inside the folder that it claims; links may lead elsewhere. */
async function localPath(
  baseDirectory: string,
  { folder, subfolder, filename }: Extract<OutputSource, { kind: "file" }>,
): Promise<string | undefined> {
  try {
    const [root, path] = await Promise.all([
      realpath(join(baseDirectory, folder)),
      realpath(join(baseDirectory, folder, subfolder, filename)),
    ]);
    return path.startsWith(root + sep) ? path : undefined;
  } catch {
    // The server knows better where its folders are.
    return undefined;
  }
}

async function readLocal(
  planned: PlannedOutput,
  path: string,
  signal: AbortSignal,
): Promise<FetchedOutput> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    if (size <= memoryBytes) return inMemory(planned, await file.readFile());
    const hasher = new Blake3();
    const edges = new Edges();
    const buffer = Buffer.allocUnsafe(chunkBytes);
    for (let at = 0; ;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, at);
      if (bytesRead === 0) break;
      const chunk = buffer.subarray(0, bytesRead);
      hasher.update(chunk);
      edges.add(chunk);
      at += bytesRead;
    }
    return fetched(planned, hasher, edges, { kind: "file", path, isOurs: false });
  } finally {
    await file.close();
  }
}

async function fetchOverHttp(
  context: FetchContext,
  planned: PlannedOutput,
  source: Extract<OutputSource, { kind: "file" }>,
): Promise<FetchedOutput> {
  const { session, signal } = context;
  const body = await session.client.view(source, signal);
  if (body === undefined) throw new MissingOutput(`${source.folder}: ${source.filename}`);
  const path = join(context.folder, "outputs", `${Date.now()}-${process.hrtime.bigint()}`);
  const hasher = new Blake3();
  const edges = new Edges();
  const held: Buffer[] = [];
  let isSpilled = false;
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const take = async (): Promise<Buffer | undefined> => {
    const next = await chunks.next();
    if (next.done === true) return undefined;
    hasher.update(next.value);
    edges.add(next.value);
    return next.value;
  };
  try {
    for (let chunk = await take(); chunk !== undefined; chunk = await take()) {
      held.push(chunk);
      if (edges.sizeBytes <= memoryBytes) continue;
      isSpilled = true;
      await mkdir(join(context.folder, "outputs"), { recursive: true });
      await pipeline(Readable.from(drain(held, take)), createWriteStream(path), { signal });
      break;
    }
  } catch (thrown) {
    if (isSpilled) await rm(path, { force: true });
    signal.throwIfAborted();
    throw new Unreachable(session.client.baseUrl, thrown);
  }
  return isSpilled
    ? fetched(planned, hasher, edges, { kind: "file", path, isOurs: true })
    : fetched(planned, hasher, edges, { kind: "memory", bytes: Buffer.concat(held) });
}

/** What is held already, then the rest as it comes. */
async function* drain(
  held: Buffer[],
  take: () => Promise<Buffer | undefined>,
): AsyncGenerator<Buffer> {
  yield* held.splice(0);
  for (let chunk = await take(); chunk !== undefined; chunk = await take()) yield chunk;
}

/** The first and last bytes of what goes by, and how much that was. */
class Edges {
  sizeBytes = 0;
  first = Buffer.alloc(0);
  last = Buffer.alloc(0);

  add(chunk: Buffer): void {
    this.sizeBytes += chunk.length;
    if (this.first.length < edgeBytes) {
      this.first = Buffer.concat([this.first, chunk.subarray(0, edgeBytes)]);
    }
    const tail = Buffer.concat([this.last, chunk.subarray(-edgeBytes)]);
    this.last = tail.subarray(-edgeBytes);
  }
}

function inMemory(planned: PlannedOutput, bytes: Buffer): FetchedOutput {
  const hasher = new Blake3();
  const edges = new Edges();
  hasher.update(bytes);
  edges.add(bytes);
  return fetched(planned, hasher, edges, { kind: "memory", bytes });
}

function fetched(
  planned: PlannedOutput,
  hasher: Blake3,
  edges: Edges,
  body: FetchedOutput["body"],
): FetchedOutput {
  const hash = hasher.digest();
  const { sizeBytes, first, last } = edges;
  return { planned, hash, sizeBytes, firstBytes: first, lastBytes: last, body };
}
