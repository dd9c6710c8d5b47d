export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/**
 * The size of a PNG, JPEG, GIF or WebP from its first bytes; "unknown" while too few have come,
 * undefined for anything else. Reads headers only and decodes nothing.
 */
export function imageSizeOf(head: Buffer): ImageSize | "unknown" | undefined {
  if (head.length < 30) return "unknown";
  if (head.readUInt32BE(0) === 0x89504e47) {
    return { width: head.readUInt32BE(16), height: head.readUInt32BE(20) };
  }
  const magic = head.toString("latin1", 0, 4);
  if (magic === "GIF8") return { width: head.readUInt16LE(6), height: head.readUInt16LE(8) };
  if (magic === "RIFF" && head.toString("latin1", 8, 12) === "WEBP") return webpSize(head);
  return head.readUInt16BE(0) === 0xffd8 ? jpegSize(head) : undefined;
}

function webpSize(head: Buffer): ImageSize | undefined {
  switch (head.toString("latin1", 12, 16)) {
    case "VP8X":
      return { width: head.readUIntLE(24, 3) + 1, height: head.readUIntLE(27, 3) + 1 };
    case "VP8 ":
      return { width: head.readUInt16LE(26) & 0x3fff, height: head.readUInt16LE(28) & 0x3fff };
    case "VP8L": {
      const bits = head.readUInt32LE(21);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    default:
      return undefined;
  }
}

/** Walks the segments to the frame header (SOF0 to SOF15 without the tables among them). */
function jpegSize(head: Buffer): ImageSize | "unknown" | undefined {
  let at = 2;
  while (at + 9 <= head.length) {
    if (head[at] !== 0xff) return undefined;
    const marker = head[at + 1] ?? 0;
    if (marker === 0xff) {
      at++;
    } else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return { width: head.readUInt16BE(at + 7), height: head.readUInt16BE(at + 5) };
    } else {
      at += 2 + head.readUInt16BE(at + 2);
    }
  }
  return "unknown";
}
