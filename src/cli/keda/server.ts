import { fileURLToPath } from "node:url";
import { callbackify } from "node:util";

import type * as Grpc from "@grpc/grpc-js";

import { HearthError, errorMessage } from "../../kernel/errors.ts";

/** How many workers a deployment is to have. Errors: those of the gateway. */
export type AskDesired = (deployment: string) => Promise<number>;

export interface KedaServer {
  readonly port: number;
  close(): void;
}

interface ScaledObjectRef {
  readonly scalerMetadata?: Readonly<Record<string, string>>;
}

const metricName = "hearth_desired_workers";
/** Between looks for a scaler that wants to be told. */
const pushIntervalMs = 5_000;

/**
 * Serves KEDA's external scaler: the metric is the number of workers wanted and its target is one,
 * so that KEDA makes just as many replicas. The deployment is named by the trigger's metadata.
 */
export async function startKedaServer(
  ask: AskDesired,
  address: { readonly host: string; readonly port: number },
): Promise<KedaServer> {
  const grpc = await import("@grpc/grpc-js");
  const { loadSync } = await import("@grpc/proto-loader");
  const path = fileURLToPath(new URL("externalscaler.proto", import.meta.url));
  const loaded = grpc.loadPackageDefinition(loadSync(path, { longs: Number })) as unknown as {
    externalscaler: { ExternalScaler: { service: Grpc.ServiceDefinition } };
  };
  const server = new grpc.Server();
  server.addService(loaded.externalscaler.ExternalScaler.service, handlers(grpc, ask));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(
      `${address.host}:${address.port}`,
      grpc.ServerCredentials.createInsecure(),
      (error, bound) => (error === null ? resolve(bound) : reject(error)),
    );
  });
  return { port, close: () => server.forceShutdown() };
}

function handlers(grpc: typeof Grpc, ask: AskDesired): Grpc.UntypedServiceImplementation {
  const answer =
    <Request extends object>(reply: (request: Request) => Promise<object>) =>
    (call: Grpc.ServerUnaryCall<Request, object>, done: Grpc.sendUnaryData<object>): void => {
      callbackify(() => reply(call.request))((thrown: unknown, body) => {
        if (thrown === null) done(null, body);
        else done({ code: codeOf(grpc, thrown), details: errorMessage(thrown) });
      });
    };
  const metricValues = async (ref: ScaledObjectRef): Promise<object> => {
    const wanted = await ask(deploymentOf(ref));
    return { metricValues: [{ metricName, metricValue: wanted, metricValueFloat: wanted }] };
  };
  const isActive = async (ref: ScaledObjectRef): Promise<object> => ({
    result: (await ask(deploymentOf(ref))) > 0,
  });
  const spec = { metricSpecs: [{ metricName, targetSize: 1, targetSizeFloat: 1 }] };
  const push = (call: Grpc.ServerWritableStream<ScaledObjectRef, object>): void => {
    const tell = (): void => {
      // A gateway that cannot be asked is asked again; KEDA keeps what it was told last.
      isActive(call.request).then(
        (body) => call.write(body),
        () => undefined,
      );
    };
    tell();
    const timer = setInterval(tell, pushIntervalMs);
    for (const end of ["cancelled", "close", "error"]) call.on(end, () => clearInterval(timer));
  };
  return {
    IsActive: answer(isActive),
    StreamIsActive: push,
    GetMetricSpec: answer(async () => spec),
    GetMetrics: answer(({ scaledObjectRef = {} }: { scaledObjectRef?: ScaledObjectRef }) =>
      metricValues(scaledObjectRef),
    ),
  };
}

function deploymentOf({ scalerMetadata = {} }: ScaledObjectRef): string {
  const { deployment } = scalerMetadata;
  if (deployment !== undefined && deployment !== "") return deployment;
  const message = "The trigger's metadata must name the deployment.";
  throw new HearthError("invalid_request", { message, details: { field: "deployment" } });
}

function codeOf(grpc: typeof Grpc, thrown: unknown): Grpc.status {
  if (!(thrown instanceof HearthError)) return grpc.status.UNAVAILABLE;
  const codes: Readonly<Record<number, Grpc.status>> = {
    400: grpc.status.INVALID_ARGUMENT,
    422: grpc.status.INVALID_ARGUMENT,
    401: grpc.status.UNAUTHENTICATED,
    403: grpc.status.PERMISSION_DENIED,
    404: grpc.status.NOT_FOUND,
  };
  return codes[thrown.httpStatus] ?? grpc.status.UNAVAILABLE;
}
