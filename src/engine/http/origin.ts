import type { IncomingHttpHeaders } from "node:http";

const loopbackNames = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * Whether a request may be a page of another site reaching for a server on this machine: browsers
 * name the page's origin, and it must be the server's own.
 */
export function isForeignOrigin(headers: IncomingHttpHeaders): boolean {
  const { origin, host } = headers;
  if (origin === undefined || host === undefined) return false;
  const hostname = URL.parse(`http://${host}`)?.hostname;
  if (hostname === undefined || !loopbackNames.has(hostname)) return false;
  return URL.parse(origin)?.host !== host;
}
