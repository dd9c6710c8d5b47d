import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";

import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { expect, it, onTestFinished } from "vitest";

import { startKedaServer } from "../../src/cli/keda/server.ts";
import { mintApiKey } from "../../src/gateway/credentials.ts";
import type { Scope } from "../../src/store/access.ts";
import { postgresServers } from "../database.ts";
import { newJob } from "../store.ts";
import { call } from "./client.ts";
import { startTestGateway, type TestGateway } from "./gateway.ts";

const path = "/api/hearth/v1/deployments/default/scaling";

async function open(): Promise<TestGateway> {
  const gateway = await startTestGateway(postgresServers()[0]!.url, { trustsLoopback: false });
  onTestFinished(() => gateway.close());
  return gateway;
}

async function key(
  { fixture }: TestGateway,
  scopes: readonly Scope[],
): Promise<Record<string, string>> {
  const { id, key: text, secretHash } = mintApiKey(randomBytes(64));
  const { tenantId } = fixture;
  await fixture.store.access.createApiKey({
    id,
    tenantId,
    name: "keda",
    scopes,
    secretHash,
    validMs: null,
  });
  return { Authorization: `Bearer ${text}` };
}

it("tells how many workers are wanted besides what waits, to keys that may read", async () => {
  const gateway = await open();
  const { store, deploymentId } = gateway.fixture;
  await store.scaling.set(deploymentId, { minWorkers: 0, maxWorkers: 2 });
  const reader = await key(gateway, ["read"]);
  const none = await call(`${gateway.url}${path}`, "GET", undefined, reader);
  expect(none.body).toMatchObject({ desired_workers: 0, queued_jobs: 0, source: "demand" });
  for (let index = 0; index < 3; index++) await store.jobs.submit(newJob(gateway.fixture));
  const some = await call(`${gateway.url}${path}`, "GET", undefined, reader);
  expect(some.body).toMatchObject({ desired_workers: 2, queued_jobs: 3, workers: 0 });
  await store.scaling.recordDecision({ deploymentId, snapshot: {}, decision: { target: 1 } });
  const decided = await call(`${gateway.url}${path}`, "GET", undefined, reader);
  expect(decided.body).toMatchObject({ desired_workers: 1, source: "autoscaler" });
});

it("tells it to nobody else", async () => {
  const gateway = await open();
  expect((await call(`${gateway.url}${path}`, "GET", undefined, {})).status).toBe(401);
  const runner = await key(gateway, ["run"]);
  expect((await call(`${gateway.url}${path}`, "GET", undefined, runner)).status).toBe(403);
  const reader = await key(gateway, ["read"]);
  const other = `${gateway.url}${path.replace("default", "nowhere")}`;
  expect((await call(other, "GET", undefined, reader)).status).toBe(404);
});

type Unary = (
  request: object,
  done: (error: grpc.ServiceError | null, reply: Record<string, unknown>) => void,
) => void;

it("answers KEDA over its own protocol, and says what is wrong with a trigger", async () => {
  let wanted = 0;
  const server = await startKedaServer(async () => wanted, { host: "127.0.0.1", port: 0 });
  onTestFinished(() => server.close());
  const proto = fileURLToPath(new URL("../../src/cli/keda/externalscaler.proto", import.meta.url));
  const loaded = grpc.loadPackageDefinition(loadSync(proto)) as unknown as {
    externalscaler: { ExternalScaler: grpc.ServiceClientConstructor };
  };
  const client = new loaded.externalscaler.ExternalScaler(
    `127.0.0.1:${server.port}`,
    grpc.credentials.createInsecure(),
  );
  onTestFinished(() => client.close());
  const ask = (method: string, request: object): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      const unary = (client as unknown as Record<string, Unary>)[method]!.bind(client);
      unary(request, (error, reply) => (error === null ? resolve(reply) : reject(error)));
    });
  const ref = { name: "s", namespace: "n", scalerMetadata: { deployment: "default" } };
  expect(await ask("IsActive", ref)).toMatchObject({ result: false });
  wanted = 3;
  expect(await ask("IsActive", ref)).toMatchObject({ result: true });
  expect(await ask("GetMetricSpec", ref)).toMatchObject({ metricSpecs: [{ targetSizeFloat: 1 }] });
  expect(await ask("GetMetrics", { scaledObjectRef: ref })).toMatchObject({
    metricValues: [{ metricName: "hearth_desired_workers", metricValueFloat: 3 }],
  });
  await expect(ask("IsActive", { name: "s" })).rejects.toMatchObject({
    code: grpc.status.INVALID_ARGUMENT,
  });
});
