/**
 * A `Content-Disposition` header for any file name: a plain ASCII fallback and the name itself in
 * the spelling of RFC 5987. Control characters and quotes cannot break out of it.
 */
export function attachmentHeader(disposition: "inline" | "attachment", filename: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this removes
  const clean = filename.replaceAll(/[\u0000-\u001f\u007f]/gu, "_").toWellFormed();
  const fallback = clean.replaceAll(/[^\u0020-\u007e]|["\\%]/gu, "_");
  const encoded = encodeURIComponent(clean).replaceAll(
    /['()*]/gu,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${disposition}; filename="${fallback}"; filename*=UTF-8''${encoded}`;
}
