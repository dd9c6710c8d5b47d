import { Transform, type TransformCallback } from "node:stream";

import { HearthError } from "../../kernel/errors.ts";
import { imageSizeOf } from "./image-size.ts";

/** JPEG files may carry that much metadata before the frame that tells their size. */
const headBytes = 256 * 1024;

/**
 * Passes a file on, but refuses an image with too many pixels by its header alone, before anybody
 * decodes it. Errors: `image_too_large`.
 */
export class PixelGuard extends Transform {
  private head: Buffer[] = [];
  private seenBytes = 0;
  private isDecided = false;
  private readonly maxPixels: number;

  constructor(maxPixels: number) {
    super();
    this.maxPixels = maxPixels;
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    if (!this.isDecided) {
      this.head.push(chunk);
      this.seenBytes += chunk.length;
      const size = imageSizeOf(Buffer.concat(this.head));
      this.isDecided = size !== "unknown" || this.seenBytes >= headBytes;
      if (this.isDecided) this.head = [];
      if (typeof size === "object" && size.width * size.height > this.maxPixels) {
        const details = { field: "file", ...size, limitPixels: this.maxPixels };
        done(new HearthError("image_too_large", { details }));
        return;
      }
    }
    done(null, chunk);
  }
}
