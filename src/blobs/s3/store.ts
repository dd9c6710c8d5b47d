import { Readable } from "node:stream";

import type * as Sdk from "@aws-sdk/client-s3";
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
import { Metered } from "../metered.ts";
import { absent, failed, storageError } from "./failures.ts";

export interface S3BlobsOptions {
  readonly bucket: string;
  /** Put before every key, such as "hearth/". */
  readonly prefix?: string;
  /** Default: the SDK's own chain (environment, profile); for another endpoint "us-east-1". */
  readonly region?: string;
  /** Of a server that speaks S3 but is not AWS. */
  readonly endpoint?: string;
  readonly forcePathStyle?: boolean;
  /** Default: the SDK's own chain (environment, profile, instance role). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** What one DeleteObjects request may name. */
const maxDeletedAtOnce = 1000;
const maxListedAtOnce = 1000;

/** Blobs in an S3 bucket. The SDK is loaded here and not before: it costs start-up time. */
export async function openS3Blobs(options: S3BlobsOptions): Promise<BlobStore> {
  const sdk = await import("@aws-sdk/client-s3");
  return new S3Blobs(sdk, new sdk.S3Client(clientConfig(options)), options);
}

function clientConfig(options: S3BlobsOptions): S3ClientConfig {
  const { endpoint, forcePathStyle, credentials } = options;
  // Servers that only speak S3 seldom have regions, but the SDK signs for none without one.
  const region = options.region ?? (endpoint === undefined ? undefined : "us-east-1");
  return {
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(forcePathStyle !== undefined && { forcePathStyle }),
    ...(credentials !== undefined && { credentials }),
    // Newer checksums are unknown to many such servers and would be asked of signed uploads.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    maxAttempts: 5,
  };
}

class S3Blobs implements BlobStore {
  private readonly sdk: typeof Sdk;
  private readonly client: S3Client;
  private readonly options: S3BlobsOptions;

  constructor(sdk: typeof Sdk, client: S3Client, options: S3BlobsOptions) {
    this.sdk = sdk;
    this.client = client;
    this.options = options;
  }

  /** The object appears only with the upload's last request, which refused bytes never reach. */
  async put(key: string, content: Readable | Buffer, options: PutOptions): Promise<StoredBlob> {
    const { Upload } = await import("@aws-sdk/lib-storage");
    const metered = new Metered(options);
    const bytes = Buffer.isBuffer(content) ? Readable.from([content]) : content;
    const Body = Readable.from(metered.pass(bytes), { objectMode: false });
    const params = { ...this.at(key), Body, ContentType: options.contentType };
    try {
      await new Upload({ client: this.client, params }).done();
      return metered.stored();
    } catch (thrown) {
      bytes.destroy();
      throw metered.causedBy(thrown) ? thrown : storageError(thrown);
    }
  }

  async get(key: string, range?: ByteRange): Promise<BlobBody | undefined> {
    const Range = range && `bytes=${range.start}-${range.end}`;
    const command = new this.sdk.GetObjectCommand({ ...this.at(key), ...(Range && { Range }) });
    const answer = await this.client.send(command).catch(absent);
    if (answer === undefined) return undefined;
    const whole = answer.ContentRange?.split("/")[1] ?? answer.ContentLength;
    return { sizeBytes: Number(whole ?? 0), stream: answer.Body as Readable };
  }

  async head(key: string): Promise<BlobHead | undefined> {
    const command = new this.sdk.HeadObjectCommand(this.at(key));
    const answer = await this.client.send(command).catch(absent);
    return answer && { sizeBytes: answer.ContentLength ?? 0 };
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += maxDeletedAtOnce) {
      const some = keys.slice(at, at + maxDeletedAtOnce);
      const Objects = some.map((key) => ({ Key: this.at(key).Key }));
      const Delete = { Objects, Quiet: true };
      const command = new this.sdk.DeleteObjectsCommand({ Bucket: this.options.bucket, Delete });
      const { Errors = [] } = await this.client.send(command).catch(failed);
      if (Errors.length > 0) throw new HearthError("service_unavailable", deletionFailure(Errors));
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
        MaxKeys: Math.min(maxListedAtOnce, limit - found.length),
        ...(after !== undefined && { StartAfter: root + after }),
      });
      const page = await this.client.send(command).catch(failed);
      for (const { Key = "" } of page.Contents ?? []) found.push(Key.slice(root.length));
      const isLast = page.IsTruncated !== true || page.Contents?.length === 0;
      if (isLast || found.length >= limit) return found;
      after = found.at(-1);
    }
  }

  async signGet(key: string, options: SignGetOptions): Promise<string> {
    const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
    const command = new this.sdk.GetObjectCommand({
      ...this.at(key),
      ResponseContentType: options.contentType,
      ResponseContentDisposition: attachmentHeader(options.disposition, options.filename),
    });
    return getSignedUrl(this.client, command, { expiresIn: wholeSeconds(options.expiresInMs) });
  }

  async signPut(key: string, options: SignPutOptions): Promise<SignedPut> {
    const { getSignedUrl } = await import("@aws-sdk/s3-request-presigner");
    const command = new this.sdk.PutObjectCommand({
      ...this.at(key),
      ContentType: options.contentType,
      ContentLength: options.sizeBytes,
    });
    const url = await getSignedUrl(this.client, command, {
      expiresIn: wholeSeconds(options.expiresInMs),
      // Signed, an upload of another length fails its signature.
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

function wholeSeconds(durationMs: number): number {
  return Math.ceil(durationMs / 1000);
}

function deletionFailure(errors: readonly Sdk._Error[]): {
  readonly message: string;
  readonly retryAfterSeconds: number;
} {
  const message = `The object store kept ${errors.length} objects (${errors[0]?.Code ?? "no code"})`;
  return { message, retryAfterSeconds: 5 };
}
