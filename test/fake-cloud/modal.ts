import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";

import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

import { ModalPlatform } from "../../src/platforms/modal/platform.ts";
import { decodeCbor } from "./cbor.ts";
import type { CloudSetting, FakeCloud } from "./cloud.ts";
import { Faults } from "./faults.ts";
import { Machines } from "./machines.ts";

const functionId = "fu-1";
const cborFormat = 4;
const asynchronous = 3;
/** Of `GenericResult`: success, failure, terminated. */
const results = { success: 1, failure: 2, terminated: 3 } as const;

interface Settings {
  readonly minContainers?: number;
  readonly maxContainers?: number;
  readonly bufferContainers?: number;
  readonly scaledownWindow?: number;
}

const configured = { minContainers: 0, maxContainers: 10, bufferContainers: 0, scaledownWindow: 5 };

class Refusal extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Modal's control plane over gRPC, as far as calls of one deployed function go. */
class FakeModal {
  readonly machines: Machines;
  readonly faults = new Faults();
  requestCount = 0;
  settings: Settings = configured;
  /** Modal's client repeats a lost request under the same key. */
  private readonly byKey = new Map<string, object>();

  constructor(setting: CloudSetting) {
    this.machines = new Machines({ ...setting, graceMs: 0 });
  }

  readonly methods: Readonly<Record<string, (request: never, metadata: grpc.Metadata) => object>> =
    {
      AuthTokenGet: () => ({ token: `e30.${btoa('{"exp":4102444800}')}.x` }),
      FunctionGet: (request: { appName: string; objectTag: string }) => {
        const { appName, objectTag } = request;
        if (appName !== "hearth" || objectTag !== "worker") {
          throw new Refusal(grpc.status.NOT_FOUND, `${appName}/${objectTag}`);
        }
        const formats = [cborFormat];
        const handleMetadata = {
          functionName: "worker",
          functionType: 2,
          supportedInputFormats: formats,
          supportedOutputFormats: formats,
        };
        return { functionId, handleMetadata };
      },
      FunctionMap: (request, metadata) => this.map(request, metadata),
      FunctionGetOutputs: (request: { functionCallId: string }) => this.outputs(request),
      FunctionCallFromId: ({ functionCallId }: { functionCallId: string }) => {
        if (!this.machines.all.has(functionCallId)) {
          throw new Refusal(grpc.status.NOT_FOUND, functionCallId);
        }
        return { functionCallId };
      },
      FunctionCallCancel: ({ functionCallId }: { functionCallId: string }) => {
        if (!this.machines.all.has(functionCallId)) {
          throw new Refusal(grpc.status.NOT_FOUND, functionCallId);
        }
        this.machines.stop(functionCallId);
        return {};
      },
      FunctionGetSchedulingParams: () => ({
        autoscalerConfiguration: { settings: this.settings },
      }),
      FunctionUpdateSchedulingParams: ({ settings }: { settings: Settings }) => {
        this.settings = { ...this.settings, ...settings };
        return { currentSettings: this.settings };
      },
    };

  private map(
    request: {
      functionCallInvocationType: number;
      pipelinedInputs: readonly { input: { args: Uint8Array; dataFormat: number } }[];
    },
    metadata: grpc.Metadata,
  ): object {
    const key = String(metadata.get("x-idempotency-key")[0]);
    const before = this.byKey.get(key);
    if (before !== undefined) return before;
    const fault = this.faults.take("throttled", "capacity", "quota", "refused", "lost_reply");
    const { status } = grpc;
    if (fault === "throttled") throw new Refusal(status.RESOURCE_EXHAUSTED, "rate limit");
    if (fault === "quota") throw new Refusal(status.FAILED_PRECONDITION, "spend limit reached");
    if (fault === "refused") throw new Refusal(status.UNAUTHENTICATED, "token is not valid");
    const [item] = request.pipelinedInputs;
    const isSpawn = request.functionCallInvocationType === asynchronous;
    if (item?.input.dataFormat !== cborFormat || !isSpawn) {
      throw new Refusal(status.INVALID_ARGUMENT, "not a spawn with CBOR arguments");
    }
    const [[first]] = decodeCbor(item.input.args) as [[{ environment: Record<string, string> }]];
    const id = `fc-${randomUUID()}`;
    const environment: Record<string, string> = { ...first.environment, HEARTH_EXTERNAL_ID: id };
    const token = environment["HEARTH_INSTANCE_ID"] ?? "";
    this.machines.add(environment, { token }, fault === "capacity", id);
    const reply = {
      functionCallId: id,
      functionCallJwt: "jwt",
      pipelinedInputs: [{ idx: 0, inputId: `in-${id}`, inputJwt: "jwt" }],
    };
    this.byKey.set(key, reply);
    if (fault === "lost_reply") throw new Refusal(status.UNAVAILABLE, "connection reset");
    return reply;
  }

  private outputs({ functionCallId }: { functionCallId: string }): object {
    const machine = this.machines.all.get(functionCallId);
    if (machine === undefined) throw new Refusal(grpc.status.NOT_FOUND, functionCallId);
    if (machine.state !== "stopped") return { outputs: [], numUnfinishedInputs: 1 };
    const { exitCode, stopAskedAtMs } = machine;
    const ending = stopAskedAtMs === null ? "failure" : "terminated";
    const status = results[exitCode === 0 && stopAskedAtMs === null ? "success" : ending];
    // CBOR's null.
    const result = { status, exception: "ended", data: Buffer.from([0xf6]) };
    return { outputs: [{ result, idx: 0, dataFormat: cborFormat }], numUnfinishedInputs: 0 };
  }
}

async function listen(modal: FakeModal): Promise<{ url: string; server: grpc.Server }> {
  const path = fileURLToPath(new URL("modal.proto", import.meta.url));
  const definition = grpc.loadPackageDefinition(loadSync(path)) as unknown as {
    modal: { client: { ModalClient: { service: grpc.ServiceDefinition } } };
  };
  const { service } = definition.modal.client.ModalClient;
  const handlers: grpc.UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(modal.methods)) {
    const unary: grpc.handleUnaryCall<object, object> = (call, reply) => {
      modal.requestCount++;
      try {
        reply(null, method(call.request as never, call.metadata));
      } catch (thrown) {
        const code = thrown instanceof Refusal ? thrown.code : grpc.status.INTERNAL;
        reply({ code, details: thrown instanceof Error ? thrown.message : String(thrown) });
      }
    };
    handlers[name] = unary;
  }
  const server = new grpc.Server();
  server.addService(service, handlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { url: `http://127.0.0.1:${port}`, server };
}

export async function openFakeModal(setting: CloudSetting): Promise<FakeCloud> {
  const modal = new FakeModal(setting);
  const { url, server } = await listen(modal);
  return {
    machines: modal.machines,
    faults: modal.faults,
    get requestCount() {
      return modal.requestCount;
    },
    retryAfterMs: 0,
    connect: (patience) => {
      // The client's only way to another server; it reads it when it is made.
      process.env["MODAL_SERVER_URL"] = url;
      return ModalPlatform.open({
        name: "modal",
        app: "hearth",
        function: "worker",
        environment: "test",
        offer: { gpu: "L4", region: null, isSpot: false },
        autoscaler: {
          minContainers: 0,
          maxContainers: 10,
          bufferContainers: 0,
          scaledownWindowMs: 5_000,
        },
        access: { tokenId: "ak-test", tokenSecret: "as-test" },
        patience,
      });
    },
    // A deploy resets what was set by hand.
    drift: () => {
      modal.settings = {};
    },
    isDrifted: () => modal.settings.maxContainers !== configured.maxContainers,
    close: async () => {
      modal.machines.close();
      server.forceShutdown();
    },
  };
}
