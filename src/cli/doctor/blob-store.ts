import { randomBytes, randomUUID } from "node:crypto";
import { access } from "node:fs/promises";
import { Readable } from "node:stream";

import type { Settings } from "../../config/schema.ts";
import { errorMessage } from "../../kernel/errors.ts";
import { openBlobs } from "../blobs-of.ts";
import { systemClock } from "../system.ts";
import type { Finding } from "./finding.ts";

const name = "files";

/** Writes a few bytes, looks at them, and deletes them. */
export async function checkBlobs(settings: Settings): Promise<Finding> {
  const { blobs: chosen, dataDir } = settings;
  const where = chosen.kind === "fs" ? "this machine" : `S3 bucket ${chosen.bucket}`;
  if (chosen.kind === "fs" && !(await exists(dataDir))) {
    return { name, state: "ok", detail: `${where}, made at the first start` };
  }
  try {
    const { blobs } = await openBlobs(settings, "http://127.0.0.1", randomBytes(32), systemClock);
    const key = `doctor/${randomUUID()}`;
    const options = { contentType: "text/plain", maxBytes: 16 };
    await blobs.put(key, Readable.from([Buffer.from("hearth")]), options);
    const head = await blobs.head(key);
    await blobs.delete([key]);
    if (head?.sizeBytes !== 6) throw new Error("what was written could not be read");
    return { name, state: "ok", detail: `${where} can be written to` };
  } catch (thrown) {
    const hint = "Check the blobs setting, its credentials and the space left.";
    return { name, state: "fail", detail: `${where}: ${errorMessage(thrown)}`, hint };
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
