/** Types that no browser runs; everything else is offered as a file to save. */
const inlineTypes: ReadonlySet<string> = new Set([
  "image/png",
  "image/jpeg",
  "image/webp",
  "image/gif",
  "image/avif",
  "video/mp4",
  "video/webm",
  "audio/mpeg",
  "audio/wav",
  "audio/x-wav",
  "audio/flac",
  "audio/ogg",
]);

export function dispositionOf(contentType: string): "inline" | "attachment" {
  const [bare = ""] = contentType.split(";");
  return inlineTypes.has(bare.trim().toLowerCase()) ? "inline" : "attachment";
}
