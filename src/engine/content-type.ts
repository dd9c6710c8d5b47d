const types: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  gif: "image/gif",
  avif: "image/avif",
  tif: "image/tiff",
  tiff: "image/tiff",
  mp4: "video/mp4",
  webm: "video/webm",
  mp3: "audio/mpeg",
  flac: "audio/flac",
  wav: "audio/x-wav",
  txt: "text/plain",
  csv: "text/csv",
  md: "text/markdown",
  json: "application/json",
};

/** What a browser would run as a page or script of this server. */
const active = new Set(["html", "htm", "xhtml", "xht", "js", "mjs", "css", "svg", "xml", "xsl"]);

export interface ServedType {
  readonly contentType: string;
  /** Sent as a download, never shown. */
  readonly isDownload: boolean;
}

/** How a file may be served, by the ending of its name. */
export function servedType(filename: string): ServedType {
  const ending = filename.slice(filename.lastIndexOf(".") + 1).toLowerCase();
  if (active.has(ending)) return { contentType: "application/octet-stream", isDownload: true };
  const known = Object.hasOwn(types, ending) ? types[ending] : undefined;
  return { contentType: known ?? "application/octet-stream", isDownload: false };
}

/** A `Content-Disposition` for any file name. */
export function disposition(filename: string, isDownload: boolean): string {
  const ascii = filename.replaceAll(/[^\u0020-\u007e]|["\\]/gu, "_");
  const extended = encodeURIComponent(filename).replaceAll(/['()*]/gu, (character) => {
    return `%${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}`;
  });
  const spelled = ascii === filename ? "" : `; filename*=UTF-8''${extended}`;
  return `${isDownload ? "attachment; " : ""}filename="${ascii}"${spelled}`;
}
