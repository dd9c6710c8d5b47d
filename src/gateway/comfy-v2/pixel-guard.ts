import { Transform, type TransformCallback } from "node:stream";

import { HearthError } from "../../kernel/errors.ts";
import { imageSizeOf } from "./image-size.ts";

const firstLookBytes = 64 * 1024;
/** JPEG files may carry depth maps and the like before the frame that tells their size. */
const lastLookBytes = 4 * 1024 * 1024;

/**
 * Passes a file on, but refuses an image with too many pixels by its header alone, before anybody
 * decodes it. Errors: `image_too_large`; `invalid_request` for an image that hides its size.
 */
export class PixelGuard extends Transform {
  private head: Buffer[] = [];
  private seenBytes = 0;
  /** Looks come at doubled sizes, so that all of them together cost no more than two. */
  private nextLookBytes = 0;
  private isDecided = false;
  private readonly maxPixels: number;

  constructor(maxPixels: number) {
    super();
    this.maxPixels = maxPixels;
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    if (this.isDecided) {
      done(null, chunk);
      return;
    }
    this.head.push(chunk);
    this.seenBytes += chunk.length;
    done(this.seenBytes >= this.nextLookBytes ? this.look() : null, chunk);
  }

  override _flush(done: TransformCallback): void {
    done(this.isDecided ? null : this.look());
  }

  private look(): HearthError | null {
    const head = Buffer.concat(this.head);
    const size = imageSizeOf(head);
    this.nextLookBytes = Math.max(firstLookBytes, this.seenBytes * 2);
    if (size === "unknown" && this.seenBytes < lastLookBytes) {
      this.head = [head];
      return null;
    }
    this.isDecided = true;
    this.head = [];
    if (size === "unknown") return hidden();
    return size === undefined || size.width * size.height <= this.maxPixels
      ? null
      : tooLarge(size, this.maxPixels);
  }
}

function tooLarge(size: object, limitPixels: number): HearthError {
  return new HearthError("image_too_large", { details: { field: "file", ...size, limitPixels } });
}

function hidden(): HearthError {
  const reason = "does not tell its image size where it should";
  return new HearthError("invalid_request", {
    message: `file ${reason}`,
    details: { field: "file", reason },
  });
}
