import { join } from "node:path";

import type { BlobStore } from "../blobs/blobs.ts";
import { openFileBlobs } from "../blobs/fs/store.ts";
import type { Settings } from "../config/schema.ts";
import type { Clock } from "../kernel/clock.ts";

export interface OpenBlobs {
  readonly blobs: BlobStore;
  /** For the gateway; null where the object store signs its URLs itself. */
  readonly signingKey: Uint8Array | null;
}

/** The blob store that the settings name. Errors: `config_invalid`, `service_unavailable`. */
export async function openBlobs(
  settings: Settings,
  publicUrl: string,
  signingKey: Uint8Array,
  clock: Clock,
): Promise<OpenBlobs> {
  if (settings.blobs.kind === "fs") {
    const folder = join(settings.dataDir, "blobs");
    const blobs = await openFileBlobs({ folder, baseUrl: publicUrl, signingKey, clock });
    return { blobs, signingKey };
  }
  // Its SDK is large, and most starts do not need it.
  const { openS3Blobs } = await import("../blobs/s3/store.ts");
  const { kind: _, ...options } = settings.blobs;
  return { blobs: await openS3Blobs(withoutUndefined(options)), signingKey: null };
}

type S3Options = Omit<Extract<Settings["blobs"], { kind: "s3" }>, "kind">;
type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

function withoutUndefined(options: S3Options): Defined<S3Options> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<S3Options>;
}
