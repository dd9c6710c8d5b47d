/**
 * Where a builder can fetch a source without credentials: an https URL, or a Hugging Face path
 * `hf:owner/repo/path[@revision]`. Undefined for anything else.
 */
export function downloadUrl(source: string): string | undefined {
  if (source.startsWith("https://")) return source;
  const match = /^hf:([^/@]+)\/([^/@]+)\/([^@]+)(?:@(.+))?$/u.exec(source);
  if (match === null) return undefined;
  const [, owner = "", repository = "", path = "", revision = "main"] = match;
  const parts = [owner, repository, "resolve", revision, ...path.split("/")];
  return `https://huggingface.co/${parts.map(encodeURIComponent).join("/")}`;
}
