const byExtension: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  gif: "image/gif",
  avif: "image/avif",
  bmp: "image/bmp",
  mp4: "video/mp4",
  webm: "video/webm",
  mov: "video/quicktime",
  mp3: "audio/mpeg",
  wav: "audio/wav",
  flac: "audio/flac",
  ogg: "audio/ogg",
  json: "application/json",
  txt: "text/plain",
};

/** The media type that a file's name suggests, for records made over bytes without one. */
export function contentTypeOf(filePath: string | null): string {
  const extension = /\.([a-z0-9]+)$/iu.exec(filePath ?? "")?.[1]?.toLowerCase() ?? "";
  return Object.hasOwn(byExtension, extension)
    ? (byExtension[extension] ?? "application/octet-stream")
    : "application/octet-stream";
}
