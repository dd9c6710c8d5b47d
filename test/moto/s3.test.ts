import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { describe } from "vitest";

import { describeBlobStore, type OpenedBlobs } from "../../src/blobs/blobs.suite.ts";
import { openS3Blobs } from "../../src/blobs/s3/store.ts";
import { hasMoto, startMoto } from "./server.ts";

const credentials = { accessKeyId: "test", secretAccessKey: "test" };
const region = "us-east-1";

/** A bucket on an S3 that others wrote. */
async function openMotoS3(): Promise<OpenedBlobs> {
  const moto = await startMoto();
  const endpoint = moto.url;
  const client = new S3Client({ endpoint, credentials, region, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: "hearth" }));
  client.destroy();
  const place = { bucket: "hearth", prefix: "in/", region, endpoint, forcePathStyle: true };
  const blobs = await openS3Blobs({ ...place, credentials });
  return { blobs, close: async () => moto.close() };
}

describe.runIf(hasMoto)("on moto", () => {
  describeBlobStore("S3", openMotoS3);
});
