import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";

import { HearthError } from "../../kernel/errors.ts";
import type {
  BlobBody,
  BlobHead,
  BlobStore,
  ByteRange,
  PutOptions,
  SignedPut,
  SignGetOptions,
  SignPutOptions,
  StoredBlob,
} from "../blobs.ts";
import { attachmentHeader } from "../content-disposition.ts";
import { isBlobPrefix, requireBlobKey } from "../key.ts";
import { Metered, requireHash } from "../metered.ts";

export interface S3BlobsOptions {
  readonly bucket: string;
  /** Put before every key, such as "hearth/". */
  readonly prefix?: string;
  readonly region?: string;
  /** Of a server that speaks S3 but is not AWS. */
  readonly endpoint?: string;
  readonly forcePathStyle?: boolean;
  /** Default: the SDK's own chain (environment, profile, instance role). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

type Sdk = typeof import("@aws-sdk/client-s3");

/** Blobs in an S3 bucket. The SDK is loaded here and not before: it costs start-up time. */
export async function openS3Blobs(options: S3BlobsOptions): Promise<BlobStore> {
  const sdk = await import("@aws-sdk/client-s3");
  const config: S3ClientConfig = {
    region: options.region ?? "us-east-1",
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    ...(options.forcePathStyle !== undefined && { forcePathStyle: options.forcePathStyle }),
    ...(options.credentials !== undefined && { credentials: options.credentials }),
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    maxAttempts: 5,
  };
  return new S3Blobs(sdk, new sdk.S3Client(config), options);
}

class S3Blobs implements BlobStore {
  private readonly sdk: Sdk;
  private readonly client: S3Client;
  private readonly options: S3BlobsOptions;

  constructor(sdk: Sdk, client: S3Client, options: S3BlobsOptions) {
    this.sdk = sdk;
    this.client = client;
    this.options = options;
  }

  /** The upload is finished only once the bytes are known to be right; else it is taken back. */
  async put(key: string, bytes: Readable, options: PutOptions): Promise<StoredBlob> {
    const { Upload } = await import("@aws-sdk/lib-storage");
    const metered = new Metered(options.maxBytes);
    const body = new PassThrough();
    const upload = new Upload({
      client: this.client,
      params: { ...this.at(key), Body: body, ContentType: options.contentType },
    });
    // lib-storage would take the end of a broken stream for the end of the blob.
    const fed = pipeline(bytes, metered, body).catch(async (thrown: unknown) => {
      await upload.abort();
      throw thrown;
    });
    const [feeding, uploading] = await Promise.allSettled([fed, upload.done()]);
    if (feeding.status === "rejected") throw storageError(feeding.reason);
    if (uploading.status === "rejected") throw storageError(uploading.reason);
    const hash = metered.hash();
    try {
      requireHash(hash, options.expectedHash);
    } catch (thrown) {
      await this.delete([key]);
      throw thrown;
    }
    return { sizeBytes: metered.sizeBytes, hash };
  }

  async get(key: string, range?: ByteRange): Promise<BlobBody | undefined> {
    const head = await this.head(key);
    if (head === undefined) return undefined;
    const Range = range && `bytes=${range.start}-${range.end}`;
    const command = new this.sdk.GetObjectCommand({ ...this.at(key), ...(Range && { Range }) });
    const answer = await this.client.send(command).catch(absent);
    const stream = answer?.Body as Readable | undefined;
    return stream === undefined ? undefined : { ...head, stream };
  }

  async head(key: string): Promise<BlobHead | undefined> {
    const command = new this.sdk.HeadObjectCommand(this.at(key));
    const answer = await this.client.send(command).catch(absent);
    return answer === undefined ? undefined : { sizeBytes: answer.ContentLength ?? 0 };
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += 1000) {
      const Objects = keys.slice(at, at + 1000).map((key) => ({ Key: this.at(key).Key }));
      const Delete = { Objects, Quiet: true };
      const command = new this.sdk.DeleteObjectsCommand({ Bucket: this.options.bucket, Delete });
      await this.client.send(command).catch(failed);
    }
  }

  async list(prefix: string, limit: number, afterKey?: string): Promise<readonly string[]> {
    if (!isBlobPrefix(prefix)) throw new Error(`"${prefix}" is not a blob prefix`);
    const root = this.options.prefix ?? "";
    const found: string[] = [];
    let after = afterKey;
    for (;;) {
      const command = new this.sdk.ListObjectsV2Command({
        Bucket: this.options.bucket,
        Prefix: root + prefix,
        MaxKeys: Math.min(1000, limit - found.length),
        ...(after !== undefined && { StartAfter: root + after }),
      });
      const page = await this.client.send(command).catch(failed);
      for (const { Key = "" } of page.Contents ?? []) found.push(Key.slice(root.length));
      after = found.at(-1);
      if (page.IsTruncated !== true || found.length >= limit) return found;
    }
  }

  async signGet(key: string, options: SignGetOptions): Promise<string> {
    const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
    const command = new this.sdk.GetObjectCommand({
      ...this.at(key),
      ResponseContentType: options.contentType,
      ResponseContentDisposition: attachmentHeader(options.disposition, options.filename),
    });
    return getSignedUrl(this.client, command, { expiresIn: Math.ceil(options.expiresInMs / 1000) });
  }

  async signPut(key: string, options: SignPutOptions): Promise<SignedPut> {
    const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
    const command = new this.sdk.PutObjectCommand({
      ...this.at(key),
      ContentType: options.contentType,
      ContentLength: options.sizeBytes,
    });
    const url = await getSignedUrl(this.client, command, {
      expiresIn: Math.ceil(options.expiresInMs / 1000),
      signableHeaders: new Set(["content-type", "content-length", "host"]),
    });
    const headers = {
      "Content-Type": options.contentType,
      "Content-Length": String(options.sizeBytes),
    };
    return { url, headers };
  }

  private at(key: string): { readonly Bucket: string; readonly Key: string } {
    const { bucket, prefix = "" } = this.options;
    return { Bucket: bucket, Key: prefix + requireBlobKey(key) };
  }
}

function absent(thrown: unknown): undefined {
  const { name, $metadata } = thrown as { name?: string; $metadata?: { httpStatusCode?: number } };
  if (name === "NotFound" || name === "NoSuchKey" || $metadata?.httpStatusCode === 404) return;
  throw storageError(thrown);
}

function failed(thrown: unknown): never {
  throw storageError(thrown);
}

function storageError(thrown: unknown): unknown {
  if (thrown instanceof HearthError) return thrown;
  if (!(thrown instanceof Error) || !("$metadata" in thrown || "code" in thrown)) return thrown;
  const message = `The object store did not answer as it should (${thrown.name})`;
  return new HearthError("service_unavailable", { message, cause: thrown, retryAfterSeconds: 5 });
}
