import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import S3rver from "s3rver";

import type { OpenedBlobs } from "../blobs.suite.ts";
import { openS3Blobs } from "./store.ts";

export interface OpenedS3 extends OpenedBlobs {
  readonly endpoint: string;
}

/** A bucket on a real S3 server of this process; it checks no signatures. */
export async function openTestS3(): Promise<OpenedS3> {
  const directory = await mkdtemp(join(tmpdir(), "hearth-s3-"));
  const configureBuckets = [{ name: "hearth", configs: [] }];
  const server = new S3rver({ port: 0, silent: true, directory, configureBuckets });
  const { port } = await server.run();
  const endpoint = `http://127.0.0.1:${port}`;
  const blobs = await openS3Blobs({
    bucket: "hearth",
    prefix: "in/",
    endpoint,
    forcePathStyle: true,
    credentials: { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" },
  });
  const close = async (): Promise<void> => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  };
  return { blobs, endpoint, close };
}
