import { randomUUID } from "node:crypto";

import { z } from "zod";

import { ContainerAppsPlatform } from "../../src/platforms/container-apps/platform.ts";
import { loopbackCertificate } from "../fakes/loopback-certificate.ts";
import type { CloudSetting, FakeCloud } from "./cloud.ts";
import { Faults } from "./faults.ts";
import { serveJson, type FakeReply, type FakeRequest, type FakeServer } from "./http.ts";
import { Machines, type Machine } from "./machines.ts";

const subscriptionId = "00000000-0000-0000-0000-000000000001";
const jobPath = `/subscriptions/${subscriptionId}/resourceGroups/gpu/providers/Microsoft.App/jobs/worker`;
const image = "hearth.azurecr.io/worker:1";

/** What a start may carry, as Azure documents it. */
const templateSchema = z.strictObject({
  containers: z
    .array(
      z.strictObject({
        name: z.string(),
        image: z.string(),
        command: z.array(z.string()).optional(),
        args: z.array(z.string()).optional(),
        env: z.array(
          z.strictObject({
            name: z.string(),
            value: z.string().optional(),
            secretRef: z.string().optional(),
          }),
        ),
        resources: z.strictObject({ cpu: z.number().positive(), memory: z.string() }),
      }),
    )
    .min(1),
});

function failure(status: number, code: string, message: string): FakeReply {
  const body = { error: { code, message } };
  return { status, body, ...(status === 429 && { headers: { "retry-after": "2" } }) };
}

/** The part of Azure Resource Manager that Container Apps jobs need, over TLS as it insists. */
class FakeContainerApps {
  readonly machines: Machines;
  readonly faults = new Faults();
  url = "";
  private readonly pageSize: number;

  constructor(setting: CloudSetting) {
    this.machines = new Machines({ ...setting, graceMs: 30_000 });
    this.pageSize = setting.pageSize;
  }

  handle({ method, path, query, body, headers }: FakeRequest): FakeReply {
    if (headers.authorization !== "Bearer test") return failure(401, "Unauthorized", "who?");
    if (path === "/operations/done") return { status: 200, body: {} };
    const [, started] = /^\/operations\/(.+)$/u.exec(path) ?? [];
    if (started !== undefined) return this.nameOf(started);
    if (!/^\d{4}-\d\d-\d\d$/u.test(query.get("api-version") ?? "")) {
      return failure(400, "MissingApiVersionParameter", "the api-version is missing");
    }
    if (method === "POST" && path === `${jobPath}/start`) return this.start(body);
    if (method === "GET" && path === `${jobPath}/executions`) return this.list(query);
    const [, name] = /^.*\/executions\/(.+)\/stop$/u.exec(path) ?? [];
    if (method === "POST" && name !== undefined && path.startsWith(jobPath)) return this.stop(name);
    return failure(404, "ResourceNotFound", `${path} was not found`);
  }

  private start(body: unknown): FakeReply {
    const fault = this.faults.take("throttled", "capacity", "quota", "refused", "lost_reply");
    if (fault === "throttled") return failure(429, "TooManyRequests", "later");
    if (fault === "refused") return failure(403, "AuthorizationFailed", "not allowed");
    if (fault === "quota") {
      return failure(400, "MaxNumberOfGpusExceeded", "the subscription's GPU quota is used up");
    }
    const parsed = templateSchema.safeParse(body);
    if (!parsed.success) return failure(400, "InvalidRequestContent", parsed.error.message);
    const [container] = parsed.data.containers;
    const environment = Object.fromEntries(
      (container?.env ?? []).map((each) => [each.name, each.value ?? ""]),
    );
    const token = environment["HEARTH_INSTANCE_ID"] ?? "";
    const id = `worker-${randomUUID().slice(0, 7)}`;
    this.machines.add(environment, { token }, fault === "capacity", id);
    const headers = { location: `${this.url}/operations/${id}`, "retry-after": "0" };
    return { status: 202, headers, isLost: fault === "lost_reply" };
  }

  private nameOf(id: string): FakeReply {
    return { status: 200, body: { id: `${jobPath}/executions/${id}`, name: id } };
  }

  private list(query: URLSearchParams): FakeReply {
    this.machines.settle();
    const all = [...this.machines.all.values()];
    const from = Number(query.get("$skiptoken") ?? 0);
    const to = from + this.pageSize;
    const nextLink = `${this.url}${jobPath}/executions?api-version=2026-07-01&$skiptoken=${to}`;
    const value = all.slice(from, to).map(bodyOf);
    return { status: 200, body: { value, ...(to < all.length && { nextLink }) } };
  }

  private stop(name: string): FakeReply {
    if (!this.machines.all.has(name)) return failure(404, "ResourceNotFound", name);
    this.machines.stop(name);
    const headers = { location: `${this.url}/operations/done`, "retry-after": "0" };
    return { status: 202, headers };
  }
}

function bodyOf(machine: Machine): object {
  const { id, state, environment, createdAtMs, stoppedAtMs, exitCode } = machine;
  const env = Object.entries(environment).map(([name, value]) => ({ name, value }));
  const status = {
    pending: "Processing",
    running: "Running",
    stopping: "Running",
    stopped: exitCode === 0 ? "Succeeded" : "Failed",
  }[state];
  return {
    id: `${jobPath}/executions/${id}`,
    name: id,
    properties: {
      status,
      startTime: new Date(createdAtMs).toISOString(),
      template: {
        containers: [{ name: "worker", image, env, resources: { cpu: 8, memory: "56Gi" } }],
      },
      ...(stoppedAtMs !== null && { endTime: new Date(stoppedAtMs).toISOString() }),
    },
  };
}

export async function openFakeContainerApps(setting: CloudSetting): Promise<FakeCloud> {
  const azure = new FakeContainerApps(setting);
  const tls = await loopbackCertificate();
  const server: FakeServer = await serveJson((request) => azure.handle(request), tls);
  azure.url = server.url;
  return {
    machines: azure.machines,
    faults: azure.faults,
    get requestCount() {
      return server.requestCount;
    },
    connect: (patience) =>
      ContainerAppsPlatform.open({
        name: "azure",
        subscriptionId,
        resourceGroup: "gpu",
        job: "worker",
        container: "worker",
        image,
        cpuCores: 8,
        memory: "56Gi",
        offer: { gpu: "t4", region: "westeurope", isSpot: false },
        patience,
        credential: {
          getToken: async () => ({ token: "test", expiresOnTimestamp: Number.MAX_SAFE_INTEGER }),
        },
        client: { endpoint: server.url, tlsOptions: { ca: tls.cert } },
      }),
    close: async () => {
      azure.machines.close();
      await server.close();
    },
  };
}
