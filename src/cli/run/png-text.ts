const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Length and type before a chunk's data, checksum after it. */
const headBytes = 8;
const tailBytes = 4;

export function isPng(bytes: Buffer): boolean {
  return bytes.subarray(0, signature.length).equals(signature);
}

/** The text that a PNG holds under a keyword; undefined without it or where the file is cut off. */
export function readPngText(bytes: Buffer, keyword: string): string | undefined {
  let at = signature.length;
  while (at + headBytes <= bytes.length) {
    const sizeBytes = bytes.readUInt32BE(at);
    const type = bytes.toString("latin1", at + 4, at + headBytes);
    const data = bytes.subarray(at + headBytes, at + headBytes + sizeBytes);
    if (type === "IEND" || data.length < sizeBytes) return undefined;
    const end = data.indexOf(0);
    if (type === "tEXt" && data.toString("latin1", 0, end) === keyword) {
      // Latin-1 by the standard; ComfyUI escapes everything else.
      return data.toString("latin1", end + 1);
    }
    at += headBytes + sizeBytes + tailBytes;
  }
  return undefined;
}
