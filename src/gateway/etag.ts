/** Whether an `If-None-Match` header names this entity; weak and strong tags count alike. */
export function matchesEtag(header: string | undefined, etag: string | null): boolean {
  if (header === undefined || etag === null) return false;
  const tags = new Set(header.split(",").map((tag) => tag.trim().replace(/^W\//u, "")));
  return tags.has("*") || tags.has(etag);
}
