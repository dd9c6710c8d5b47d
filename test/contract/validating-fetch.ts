import { schemas } from "@comfyorg/sdk/low";

interface Validator {
  safeParse(value: unknown): { readonly success: boolean; readonly error?: unknown };
}

type Rule = readonly [method: string, path: RegExp, schema: Validator];

const rules: readonly Rule[] = [
  ["POST", /\/api\/v2\/jobs$/u, schemas.zJob],
  ["GET", /\/api\/v2\/jobs\/[^/]+$/u, schemas.zJob],
  ["POST", /\/api\/v2\/jobs\/[^/]+\/cancel$/u, schemas.zJob],
  ["GET", /\/api\/v2\/jobs\/[^/]+\/workflow$/u, schemas.zJobWorkflowResponse],
  ["POST", /\/api\/v2\/assets(?:\/from-hash)?$/u, schemas.zAsset],
  ["GET", /\/api\/v2\/assets\/[^/]+$/u, schemas.zAsset],
];

/** What went over the wire: how many bodies the official schemas judged, and what they refused. */
export interface WireReport {
  bodies: number;
  readonly faults: string[];
}

export const wire: WireReport = { bodies: 0, faults: [] };

/** `fetch`, but every JSON body that comes back is held against the official SDK's own schemas. */
export async function validatingFetch(
  input: string | URL | Request,
  init?: RequestInit,
): Promise<Response> {
  const request = new Request(input, init);
  const response = await fetch(request);
  const type = response.headers.get("content-type") ?? "";
  const { pathname } = new URL(request.url);
  // Contents may be served by the object store itself.
  const isOurs = new URL(response.url).origin === new URL(request.url).origin;
  if (isOurs && response.headers.get("x-comfy-request-id") === null)
    fault(request, "no request id");
  if (request.method === "HEAD") return response;
  const isFile = response.ok && pathname.endsWith("/content");
  if (type.startsWith("application/json") && !isFile) {
    await validate(request, pathname, response.clone());
  } else if (response.status >= 400) {
    fault(request, `error ${response.status} without a JSON body`);
  }
  return response;
}

async function validate(request: Request, pathname: string, response: Response): Promise<void> {
  const body: unknown = await response.json();
  const rule = rules.find(([method, path]) => method === request.method && path.test(pathname));
  const schema = response.ok ? rule?.[2] : schemas.zErrorEnvelope;
  if (schema === undefined) return;
  wire.bodies++;
  const parsed = schema.safeParse(body);
  if (!parsed.success) fault(request, `${JSON.stringify(body)}: ${String(parsed.error)}`);
}

function fault(request: Request, reason: string): void {
  wire.faults.push(`${request.method} ${new URL(request.url).pathname}: ${reason}`);
}
