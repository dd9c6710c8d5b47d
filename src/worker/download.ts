import { createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";

import type { Dispatcher } from "undici";

import type { Backoff } from "../kernel/backoff.ts";
import { Blake3 } from "../kernel/blake3.ts";
import type { InputFile } from "../protocol/worker-link.ts";
import { AttemptFailed } from "./attempt-failed.ts";
import { failure } from "./classify.ts";
import { Unreachable, send } from "./http.ts";
import { retrying } from "./retry.ts";

const maxTries = 5;
const transferTimeoutMs = 60_000;

/**
 * Brings an input to `target`, which is there afterwards with the right bytes or not at all.
 * Throws `AttemptFailed`: a file that is gone is the caller's matter, anything else may pass.
 */
export async function downloadInput(
  http: Dispatcher,
  input: InputFile,
  target: string,
  backoff: Backoff,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const part = `${target}.${process.pid}.part`;
  try {
    await retrying(() => downloadOnce(http, input, part, signal), {
      ...backoff,
      signal,
      maxTries,
      isRetryable: (thrown) => thrown instanceof Unreachable || thrown instanceof WrongBytes,
    });
    await rename(part, target);
  } catch (thrown) {
    await rm(part, { force: true });
    if (!(thrown instanceof Unreachable) && !(thrown instanceof WrongBytes)) throw thrown;
    const message = `The input ${input.filename} could not be fetched: ${thrown.message}`;
    throw new AttemptFailed(failure("transient", "input_unavailable", message), { cause: thrown });
  }
}

async function downloadOnce(
  http: Dispatcher,
  { url, hash, sizeBytes, filename }: InputFile,
  part: string,
  signal: AbortSignal,
): Promise<void> {
  const call = { method: "GET", url, signal, timeoutMs: transferTimeoutMs } as const;
  const { statusCode, body } = await send(http, call);
  if (statusCode !== 200) {
    await body.dump();
    if (statusCode === 404 || statusCode === 410) {
      const message = `The input ${filename} no longer exists.`;
      throw new AttemptFailed(failure("user", "input_unavailable", message));
    }
    throw new Unreachable(url, new Error(`HTTP ${statusCode}`));
  }
  const hasher = new Blake3();
  let receivedBytes = 0;
  try {
    await pipeline(
      body,
      async function* watch(chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          receivedBytes += chunk.length;
          if (receivedBytes > sizeBytes) throw new WrongBytes("it is longer than announced");
          hasher.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(part),
      { signal },
    );
  } catch (thrown) {
    signal.throwIfAborted();
    // A full or read-only disk is no fault of the sender; another worker may do better at once.
    if (thrown instanceof WrongBytes || isDiskFault(thrown)) throw thrown;
    throw new Unreachable(url, thrown);
  }
  if (hasher.digest() !== hash) throw new WrongBytes("its bytes are not those announced");
}

class WrongBytes extends Error {
  override readonly name = "WrongBytes";
}

function isDiskFault(thrown: unknown): boolean {
  if (!(thrown instanceof Error) || !("code" in thrown)) return false;
  return ["ENOSPC", "EACCES", "EROFS", "EDQUOT", "ENOENT", "EIO"].includes(String(thrown.code));
}
