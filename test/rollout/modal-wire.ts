import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import * as grpc from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";

/** `.ci/run` sets the environment up. */
export const python = fileURLToPath(new URL("../../.cache/python/bin/python", import.meta.url));

/** Modal's own description of its interface, out of its Python package. */
const describe = `
import sys
from google.protobuf import descriptor_pb2
from modal_proto import api_pb2
files = descriptor_pb2.FileDescriptorSet()
seen = set()
def add(file):
    if file.name in seen:
        return
    seen.add(file.name)
    for each in file.dependencies:
        add(each)
    file.CopyToProto(files.file.add())
add(api_pb2.DESCRIPTOR)
sys.stdout.buffer.write(files.SerializeToString())
`;

/** What a call is answered with; names as in Modal's protos. */
export type ModalAnswer = (request: never) => object | Promise<object>;

export class ModalRefusal extends Error {
  readonly code: grpc.status;

  constructor(code: grpc.status, message: string) {
    super(message);
    this.code = code;
  }
}

/** Serves Modal's interface; a call without an answer is told that there is no such call. */
export async function serveModal(
  answers: Readonly<Record<string, ModalAnswer>>,
): Promise<{ readonly url: string; readonly server: grpc.Server }> {
  const options = { encoding: "buffer", maxBuffer: 16 * 1024 * 1024 } as const;
  const { stdout } = await promisify(execFile)(python, ["-c", describe], options);
  const loaded = loadFileDescriptorSetFromBuffer(stdout, { longs: Number, arrays: true });
  const definition = grpc.loadPackageDefinition(loaded) as unknown as {
    modal: { client: { ModalClient: { service: grpc.ServiceDefinition } } };
  };
  const handlers: grpc.UntypedServiceImplementation = {};
  for (const [name, answer] of Object.entries(answers)) {
    const unary: grpc.handleUnaryCall<object, object> = (call, reply) => {
      Promise.resolve(call.request)
        .then((request) => answer(request as never))
        .then(
          (value) => reply(null, value),
          (thrown: unknown) => {
            const code = thrown instanceof ModalRefusal ? thrown.code : grpc.status.INTERNAL;
            reply({ code, details: thrown instanceof Error ? thrown.message : String(thrown) });
          },
        );
    };
    handlers[name] = unary;
  }
  const server = new grpc.Server();
  server.addService(definition.modal.client.ModalClient.service, handlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { url: `http://127.0.0.1:${port}`, server };
}
