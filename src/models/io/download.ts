import { rm } from "node:fs/promises";

import { HearthError } from "../../kernel/errors.ts";
import { describeSource, type Source } from "../source.ts";
import { checkFormat } from "./check-format.ts";
import { copyFrom } from "./copy-file.ts";
import type { Egress } from "./egress.ts";
import { unavailable, refused } from "./faults.ts";
import type { FetchPatience } from "./fetch-options.ts";
import { fetchAside } from "./fetch-aside.ts";
import { FileHasher } from "./file-hasher.ts";
import { dropBody, locate, type Located } from "./locate.ts";
import { PartFile, blockBytes } from "./part-file.ts";
import { RequestFault, faultOf } from "./replies.ts";
import { streamWhole } from "./stream-whole.ts";

export interface DownloadTask {
  readonly sources: readonly Source[];
  /** Where the file grows; complete and synced when the download has succeeded. */
  readonly path: string;
  readonly journalPath: string;
  /** In 64 hex digits; null: whatever arrives is taken, and its hash reported. */
  readonly sha256: string | null;
  readonly bytes: number | null;
  readonly egress: Egress;
  readonly patience: FetchPatience;
  readonly signal: AbortSignal;
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
  /** Called when the size is known, before anything is written. May refuse it by throwing. */
  readonly onSize: (totalBytes: number) => Promise<void>;
}

export interface Downloaded {
  readonly sha256: string;
  readonly bytes: number;
  /** The source that it came from, without query. */
  readonly from: string;
  /** What did not have to be fetched again. */
  readonly resumedBytes: number;
}

/**
 * Brings a file to `path`, from the first source that has it. A partial file stays for the next try
 * unless its bytes turned out wrong or the disk is full. Errors: `model_unavailable`,
 * `model_refused`, `source_forbidden`, `disk_full`, or the abort.
 */
export async function download(task: DownloadTask): Promise<Downloaded> {
  let fault: unknown = unavailable("The file", "it has no source");
  for (const source of task.sources) {
    task.signal.throwIfAborted();
    try {
      return await downloadFrom(task, source);
    } catch (thrown) {
      task.signal.throwIfAborted();
      fault = faultOf(describeSource(source), thrown);
      const isLocal = !(fault instanceof HearthError) || fault.code === "disk_full";
      if (mustDiscard(fault)) await discard(task);
      if (isLocal) break;
    }
  }
  throw fault;
}

/** A signed address may run out, and a file be replaced, while it is being fetched. */
const maxLocations = 3;

async function downloadFrom(task: DownloadTask, source: Source): Promise<Downloaded> {
  const from = describeSource(source);
  if (source.kind === "file") return { ...(await copyFrom(task, source.path)), from };
  const url = source.kind === "secret" ? secretUrl(source.name) : source.url;
  const { egress, patience, signal } = task;
  const isHashKnown = task.sha256 !== null;
  for (let locations = 1; ; locations++) {
    const located = await locate(url, { egress, isHashKnown, patience, signal });
    assertSize(from, located.totalBytes, task.bytes);
    try {
      await task.onSize(located.totalBytes);
      return await attempt(task, located, from);
    } catch (thrown) {
      if (!isWorthAnother(thrown) || locations >= maxLocations) throw thrown;
      // What an earlier process left may be what is wrong.
      if (thrown instanceof StaleBytes) await discard(task);
    }
  }
}

/** The bytes are wrong, and some of them came from an earlier download. */
class StaleBytes extends RequestFault {}

function isWorthAnother(thrown: unknown): boolean {
  return thrown instanceof RequestFault && (thrown.kind === "denied" || thrown.kind === "changed");
}

async function attempt(task: DownloadTask, located: Located, from: string): Promise<Downloaded> {
  const { path, journalPath } = task;
  const { totalBytes } = located;
  const early = new AbortController();
  let isChecked = false;
  const onFrontier = (bytes: number): void => {
    hasher.advance(bytes);
    task.onProgress(part.plan.doneBytes, totalBytes);
    if (isChecked) return;
    isChecked = true;
    // A web page or a pickle is not worth fetching to its end.
    checkFormat(part, from, bytes).catch((thrown: unknown) => early.abort(thrown));
  };
  const identity = { totalBytes, blockBytes, validator: task.sha256 ?? located.validator };
  const part = await PartFile.open({ path, journalPath, identity, onFrontier });
  const hasher = new FileHasher(path, totalBytes);
  try {
    hasher.advance(part.plan.frontierBytes);
    const signal = AbortSignal.any([task.signal, early.signal]);
    await fill({ ...task, signal }, located, part);
    await checkFormat(part, from);
    const [sha256] = await Promise.all([hasher.digest(), part.sync()]);
    const { resumedBytes } = part;
    if (task.sha256 === null || task.sha256 === sha256) {
      await rm(journalPath, { force: true });
      return { sha256, bytes: totalBytes, from, resumedBytes };
    }
    if (resumedBytes > 0) throw new StaleBytes("changed", "a partial file holds wrong bytes");
    throw refused(from, `its sha256 is ${sha256} and not ${task.sha256}`);
  } finally {
    dropBody(located.body);
    await Promise.allSettled([hasher.close(), part.close()]);
  }
}

async function fill(task: DownloadTask, located: Located, part: PartFile): Promise<void> {
  const { egress, patience, signal } = task;
  if (located.body !== undefined) return streamWhole(located.body, part, patience, signal);
  await fetchAside({ egress, served: located, part, patience, signal });
}

function assertSize(from: string, totalBytes: number, expected: number | null): void {
  if (expected === null || expected === totalBytes) return;
  throw refused(from, `it has ${totalBytes} bytes and not ${expected}`);
}

/** Wrong bytes are worth nothing, and on a full disk every byte is needed. */
function mustDiscard(fault: unknown): boolean {
  return fault instanceof HearthError && ["model_refused", "disk_full"].includes(fault.code);
}

async function discard({ path, journalPath }: DownloadTask): Promise<void> {
  await Promise.all([path, journalPath].map((each) => rm(each, { force: true })));
}

function secretUrl(name: string): string {
  const url = process.env[name] ?? "";
  if (/^https?:/u.test(url) && URL.canParse(url)) return url;
  throw unavailable(`env:${name}`, "the variable holds no URL", undefined);
}
