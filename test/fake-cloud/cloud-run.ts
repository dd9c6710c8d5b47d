import { randomUUID } from "node:crypto";

import { protos } from "@google-cloud/run";
import { PassThroughClient } from "google-auth-library";

import { CloudRunPlatform } from "../../src/platforms/cloud-run/platform.ts";
import type { CloudSetting, FakeCloud } from "./cloud.ts";
import { Faults } from "./faults.ts";
import { serveJson, type FakeReply, type FakeRequest } from "./http.ts";
import { Machines, type Machine } from "./machines.ts";

const jobPath = "projects/test/locations/europe-west4/jobs/worker";
const container = "worker";
const image = "europe-docker.pkg.dev/test/hearth/worker:1";
const executionType = "type.googleapis.com/google.cloud.run.v2.Execution";
const { RunJobRequest } = protos.google.cloud.run.v2;

function failure(code: number, status: string, message: string, details: object[] = []): FakeReply {
  return { status: code, body: { error: { code, status, message, details } } };
}

const throttle = failure(429, "RESOURCE_EXHAUSTED", "Quota exceeded for write requests", [
  {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    reason: "RATE_LIMIT_EXCEEDED",
    domain: "googleapis.com",
  },
  { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "2s" },
]);

/** The REST face of Cloud Run jobs; requests are held against the protos that Google ships. */
class FakeCloudRun {
  readonly machines: Machines;
  readonly faults = new Faults();
  private readonly pageSize: number;

  constructor(setting: CloudSetting) {
    this.machines = new Machines({ ...setting, graceMs: 10_000 });
    this.pageSize = setting.pageSize;
  }

  handle({ method, path, query, body }: FakeRequest): FakeReply {
    if (method === "POST" && path === `/v2/${jobPath}:run`) return this.run(body);
    if (method === "GET" && path === `/v2/${jobPath}/executions`) return this.list(query);
    const [, name] = /^\/v2\/.+\/executions\/(.+):cancel$/u.exec(path) ?? [];
    if (method === "POST" && name !== undefined) return this.cancel(name);
    return failure(404, "NOT_FOUND", `${method} ${path} was not found`);
  }

  private run(body: unknown): FakeReply {
    const fault = this.faults.take("throttled", "capacity", "quota", "refused", "lost_reply");
    if (fault === "throttled") return throttle;
    if (fault === "refused") return failure(403, "PERMISSION_DENIED", "run.jobs.run denied");
    if (fault === "quota") {
      return failure(
        429,
        "RESOURCE_EXHAUSTED",
        "Quota violated: NvidiaL4GpuAllocNoZonalRedundancy",
      );
    }
    const wrong = unknownFields(body, RunJobRequest.create({ ...(body as object) }));
    if (wrong !== undefined) return failure(400, "INVALID_ARGUMENT", wrong);
    const request = RunJobRequest.fromObject({ ...(body as object), name: jobPath });
    const [override] = request.overrides?.containerOverrides ?? [];
    if (override?.name !== container) {
      return failure(400, "INVALID_ARGUMENT", `there is no container ${override?.name ?? ""}`);
    }
    const environment = Object.fromEntries(
      (override.env ?? []).map((each) => [each.name ?? "", each.value ?? ""]),
    );
    const id = `worker-${randomUUID().slice(0, 8)}`;
    const token = environment["HEARTH_INSTANCE_ID"] ?? "";
    const machine = this.machines.add(environment, { token }, fault === "capacity", id);
    return { ...operationOf(machine), isLost: fault === "lost_reply" };
  }

  private list(query: URLSearchParams): FakeReply {
    this.machines.settle();
    const all = [...this.machines.all.values()];
    const from = Number(query.get("pageToken") ?? 0);
    const to = from + Math.min(this.pageSize, Number(query.get("pageSize") ?? Infinity));
    const nextPageToken = to < all.length ? String(to) : "";
    return { status: 200, body: { executions: all.slice(from, to).map(bodyOf), nextPageToken } };
  }

  private cancel(name: string): FakeReply {
    const machine = this.machines.all.get(name);
    if (machine === undefined) return failure(404, "NOT_FOUND", `${name} was not found`);
    this.machines.stop(name);
    return operationOf(machine);
  }
}

/** Google refuses fields that it does not know; the proto's own reader would drop them. */
function unknownFields(body: unknown, message: object): string | undefined {
  const known = new Set([...Object.keys(Object.getPrototypeOf(message) as object), "name"]);
  const unknown = Object.keys(body ?? {}).filter((key) => !known.has(key));
  return unknown.length > 0 ? `unknown name "${unknown.join('", "')}"` : undefined;
}

function operationOf(machine: Machine): FakeReply {
  const metadata = { "@type": executionType, ...bodyOf(machine) };
  const name = `projects/test/locations/europe-west4/operations/${randomUUID()}`;
  return { status: 200, body: { name, metadata, done: false } };
}

function bodyOf(machine: Machine): object {
  const { id, state, environment, createdAtMs, stoppedAtMs } = machine;
  const env = Object.entries(environment).map(([name, value]) => ({ name, value }));
  const executionReason = state === "stopping" ? { executionReason: "CANCELLING" } : {};
  return {
    name: `${jobPath}/executions/${id}`,
    createTime: new Date(createdAtMs).toISOString(),
    runningCount: state === "running" || state === "stopping" ? 1 : 0,
    template: {
      containers: [{ name: container, image, env }],
      nodeSelector: { accelerator: "nvidia-l4" },
    },
    conditions: [{ type: "Completed", state: "CONDITION_RECONCILING", ...executionReason }],
    ...(stoppedAtMs !== null && { completionTime: new Date(stoppedAtMs).toISOString() }),
  };
}

export async function openFakeCloudRun(setting: CloudSetting): Promise<FakeCloud> {
  const run = new FakeCloudRun(setting);
  const server = await serveJson((request) => run.handle(request));
  return {
    machines: run.machines,
    faults: run.faults,
    get requestCount() {
      return server.requestCount;
    },
    connect: (patience) =>
      CloudRunPlatform.open({
        name: "google",
        project: "test",
        location: "europe-west4",
        job: "worker",
        container,
        image,
        offer: { gpu: "l4", region: "europe-west4", isSpot: false },
        patience,
        client: {
          protocol: "http",
          apiEndpoint: "127.0.0.1",
          port: Number(new URL(server.url).port),
          authClient: new PassThroughClient(),
        },
      }),
    close: async () => {
      run.machines.close();
      await server.close();
    },
  };
}
