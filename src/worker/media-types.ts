import type { OutputType } from "../protocol/worker-link.ts";

export interface MediaType {
  readonly type: OutputType;
  readonly contentType: string;
}

const byExtension: ReadonlyMap<string, MediaType> = new Map(
  (
    [
      ["png", "image", "image/png"],
      ["jpg", "image", "image/jpeg"],
      ["jpeg", "image", "image/jpeg"],
      ["webp", "image", "image/webp"],
      ["gif", "image", "image/gif"],
      ["avif", "image", "image/avif"],
      ["bmp", "image", "image/bmp"],
      ["tif", "image", "image/tiff"],
      ["tiff", "image", "image/tiff"],
      ["exr", "image", "image/x-exr"],
      ["svg", "image", "image/svg+xml"],
      ["mp4", "video", "video/mp4"],
      ["m4v", "video", "video/mp4"],
      ["webm", "video", "video/webm"],
      ["mov", "video", "video/quicktime"],
      ["mkv", "video", "video/x-matroska"],
      ["avi", "video", "video/x-msvideo"],
      ["flac", "audio", "audio/flac"],
      ["mp3", "audio", "audio/mpeg"],
      ["wav", "audio", "audio/wav"],
      ["ogg", "audio", "audio/ogg"],
      ["opus", "audio", "audio/ogg"],
      ["m4a", "audio", "audio/mp4"],
      ["aac", "audio", "audio/aac"],
      ["txt", "text", "text/plain; charset=utf-8"],
      ["md", "text", "text/markdown; charset=utf-8"],
      ["csv", "text", "text/csv; charset=utf-8"],
      ["srt", "text", "application/x-subrip"],
      ["json", "text", "application/json"],
      ["latent", "latent", "application/octet-stream"],
      ["glb", "file", "model/gltf-binary"],
      ["gltf", "file", "model/gltf+json"],
      ["obj", "file", "model/obj"],
      ["stl", "file", "model/stl"],
      ["zip", "file", "application/zip"],
      ["pdf", "file", "application/pdf"],
    ] as const
  ).map(([extension, type, contentType]) => [extension, { type, contentType }]),
);

export const plainText: MediaType = { type: "text", contentType: "text/plain; charset=utf-8" };
const anyFile: MediaType = { type: "file", contentType: "application/octet-stream" };

/** Byte patterns at the start of a file, for names that do not say what it is. */
const signatures: readonly (readonly [offset: number, bytes: string, extension: string])[] = [
  [0, "\u0089PNG\r\n\u001A\n", "png"],
  [0, "\u00FF\u00D8\u00FF", "jpg"],
  [0, "GIF8", "gif"],
  [8, "WEBP", "webp"],
  [8, "WAVE", "wav"],
  [4, "ftyp", "mp4"],
  [0, "\u001A\u0045\u00DF\u00A3", "webm"],
  [0, "fLaC", "flac"],
  [0, "OggS", "ogg"],
  [0, "ID3", "mp3"],
];

/** What a file is, by its name's extension, else by its first bytes. */
export function mediaTypeOf(name: string, firstBytes: Uint8Array): MediaType {
  const extension = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  const named = name.includes(".") ? byExtension.get(extension) : undefined;
  if (named !== undefined) return named;
  const text = Buffer.from(firstBytes.subarray(0, 32)).toString("latin1");
  const match = signatures.find(([offset, bytes]) => text.startsWith(bytes, offset));
  return (match && byExtension.get(match[2])) ?? anyFile;
}

/** Whether the file is a PNG whose end is missing: what a writer killed half-way leaves. */
export function isTruncatedPng(firstBytes: Uint8Array, lastBytes: Uint8Array): boolean {
  const head = Buffer.from(firstBytes.subarray(0, 8)).toString("latin1");
  if (head !== "\u0089PNG\r\n\u001A\n") return false;
  return !Buffer.from(lastBytes).includes("IEND", 0, "latin1");
}
