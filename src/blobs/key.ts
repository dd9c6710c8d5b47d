const maxKeyLength = 512;
const segmentPattern = /^[A-Za-z0-9._-]+$/u;

/** Whether a key names a blob: plain segments, none of them only dots, so that no path escapes. */
export function isBlobKey(key: string): boolean {
  return key.length <= maxKeyLength && key.split("/").every(isSegment);
}

/** Whether a prefix names a folder of blobs: a key and a slash. */
export function isBlobPrefix(prefix: string): boolean {
  return prefix.endsWith("/") && isBlobKey(prefix.slice(0, -1));
}

/** Keys come from our own code; a bad one is a defect, not bad input. */
export function requireBlobKey(key: string): string {
  if (!isBlobKey(key)) throw new Error(`"${key}" is not a blob key`);
  return key;
}

function isSegment(segment: string): boolean {
  return segmentPattern.test(segment) && !/^\.+$/u.test(segment);
}
