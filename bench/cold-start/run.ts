/**
 * The first job of a worker that has neither a running ComfyUI nor its model: the two come at the
 * same time, so the job waits for the longer and not for the sum. `npm run bench:cold-start --
 * --start-ms 8000 --download-ms 8000`. ComfyUI is a process that opens its port late, the model a
 * file behind a server that is slow enough.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { Egress } from "../../src/models/io/egress.ts";
import { defaultPatience } from "../../src/models/io/fetch-options.ts";
import { ModelStore } from "../../src/models/io/store.ts";
import { createLogger } from "../../src/observability/logger.ts";
import { startAgent } from "../../src/worker/agent.ts";
import { resultOf } from "../../test/fakes/fake-job.ts";
import { FakeGateway } from "../../test/fakes/gateway.ts";
import { ModelServer, safetensorsFile } from "../../test/fakes/model-server.ts";

const { values } = parseArgs({
  options: {
    "start-ms": { type: "string", default: "8000" },
    "download-ms": { type: "string", default: "8000" },
  },
});
const startMs = Number(values["start-ms"]);
const downloadMs = Number(values["download-ms"]);
const modelBytes = 16 * 1024 * 1024;
const logger = createLogger({ level: "silent" });

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const folder = await mkdtemp(join(tmpdir(), "hearth-cold-"));
const server = new ModelServer(safetensorsFile(modelBytes));
await server.start();
// One connection takes the file in one request, at the rate that makes it as slow as asked for.
server.set({ hasRanges: false, bytesPerSecond: (modelBytes * 1_000) / downloadMs });
const gateway = new FakeGateway({ heartbeatMs: 1_000 });
await gateway.start();
const model = { folder: "checkpoints", filename: "base.safetensors", sha256: server.sha256 };
const models = [{ ...model, bytes: modelBytes, sources: [server.url] }];
gateway.models = { models, warmup: null, backlog: ["checkpoints/base.safetensors"] };
const job = gateway.submit({
  "1": { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: model.filename } },
  "2": { class_type: "SaveImage", inputs: { source: ["1", 0] } },
});
const egress = new Egress({
  allow: ["127.0.0.1"],
  tokens: new Map(),
  connectMs: 5_000,
  silenceMs: 30_000,
});
const limits = { maxBytes: null, floorBytes: 0 };
const storeOptions = { folder: join(folder, "models"), egress, patience: defaultPatience, logger };
const store = await ModelStore.open({ ...storeOptions, ...limits });
const port = await freePort();
const baseDirectory = join(folder, "comfy");
const program = fileURLToPath(new URL("../../test/fakes/comfyui-process.ts", import.meta.url));
const settings = JSON.stringify({ folder: baseDirectory, port, startMs });
const command = [process.execPath, "--no-warnings", program, settings];
const begunMs = performance.now();
const agent = startAgent({
  gatewayUrl: gateway.url,
  name: "cold",
  comfyui: { kind: "spawn", command, url: `http://127.0.0.1:${port}`, baseDirectory },
  folder: join(folder, "agent"),
  logger,
  models: { store },
});
// A job waits no longer than this for its end.
const patience = setTimeout(() => process.exit(1), 10 * (startMs + downloadMs) + 60_000);
while (job.end === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
clearTimeout(patience);
const totalMs = Math.round(performance.now() - begunMs);
const { timings } = resultOf(job.end);
await agent.stop(0);
await Promise.all([gateway.close(), server.close(), egress.close()]);
await rm(folder, { recursive: true, force: true });
const ratio = totalMs / Math.max(startMs, downloadMs);
console.log(`ComfyUI starts in ${startMs} ms, the model comes in ${downloadMs} ms`);
console.log(`first job done after ${totalMs} ms: ${ratio.toFixed(2)} x the longer of the two`);
console.log(`phases: ${JSON.stringify(timings)}`);
if (ratio > 1.15) process.exitCode = 1;
