import type { IncomingHttpHeaders } from "node:http";

const loopbackNames = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * Whether a request may be a page of another site reaching for a server on this machine: browsers
 * name the page's origin, and it must be the server's own.
 */
export function isForeignOrigin(headers: IncomingHttpHeaders): boolean {
  const { origin, host } = headers;
  const hostname = host === undefined ? undefined : URL.parse(`http://${host}`)?.hostname;
  if (hostname === undefined || !loopbackNames.has(hostname)) return false;
  if (headers["sec-fetch-site"] === "cross-site") return true;
  return origin !== undefined && URL.parse(origin)?.host !== host;
}
