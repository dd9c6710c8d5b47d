import { Job } from "kubernetes-models/batch/v1/Job";

import { KubernetesPlatform } from "../../src/platforms/kubernetes/platform.ts";
import type { CloudSetting, FakeCloud } from "./cloud.ts";
import { Faults } from "./faults.ts";
import { serveJson, type FakeReply, type FakeRequest } from "./http.ts";
import { Machines, type Machine } from "./machines.ts";

const jobsPath = "/apis/batch/v1/namespaces/gpu/jobs";

interface JobBody {
  readonly metadata: { readonly name: string; readonly labels: Record<string, string> };
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly env: readonly { readonly name: string; readonly value: string }[];
        }[];
      };
    };
  };
}

function failure(code: number, reason: string, message: string): FakeReply {
  const body = { kind: "Status", apiVersion: "v1", status: "Failure", reason, message, code };
  return { status: code, body, ...(code === 429 && { headers: { "retry-after": "2" } }) };
}

/** The part of a Kubernetes API server that Jobs need, with bodies held against its schemas. */
class FakeKubernetes {
  readonly machines: Machines;
  readonly faults = new Faults();
  private readonly bodies = new Map<string, JobBody>();
  private readonly pageSize: number;

  constructor(setting: CloudSetting) {
    this.machines = new Machines({ ...setting, graceMs: 30_000 });
    this.pageSize = setting.pageSize;
  }

  handle({ method, path, query, body, headers }: FakeRequest): FakeReply {
    if (headers.authorization !== "Bearer test") return failure(401, "Unauthorized", "who?");
    if (method === "POST" && path === jobsPath) return this.create(body);
    if (method === "GET" && path === jobsPath) return this.list(query);
    const name = path.startsWith(`${jobsPath}/`) ? path.slice(jobsPath.length + 1) : "";
    if (method === "DELETE" && name !== "") return this.remove(name, query);
    return failure(404, "NotFound", path);
  }

  private create(body: unknown): FakeReply {
    const fault = this.faults.take("throttled", "capacity", "quota", "refused", "lost_reply");
    if (fault === "throttled") return failure(429, "TooManyRequests", "later");
    if (fault === "refused") return failure(403, "Forbidden", "jobs.batch is forbidden");
    if (fault === "quota") {
      return failure(403, "Forbidden", "jobs is forbidden: exceeded quota: gpus, used: 4");
    }
    try {
      new Job(body as never).validate();
    } catch (thrown) {
      return failure(422, "Invalid", String(thrown));
    }
    const job = body as JobBody;
    const { name, labels } = job.metadata;
    if (this.machines.all.has(name)) return failure(409, "AlreadyExists", `"${name}" exists`);
    const [container] = job.spec.template.spec.containers;
    const environment = Object.fromEntries(
      (container?.env ?? []).map((each) => [each.name, each.value]),
    );
    const token = labels["hearth.dev/instance"] ?? "";
    this.bodies.set(name, job);
    this.machines.add(environment, { ...labels, token }, fault === "capacity", name);
    return { status: 201, body: this.bodyOf(name), isLost: fault === "lost_reply" };
  }

  private list(query: URLSearchParams): FakeReply {
    this.machines.settle();
    const [key = "", value = ""] = (query.get("labelSelector") ?? "").split("=");
    const found = [...this.machines.all.values()].filter(
      ({ labels, state, stopAskedAtMs }) =>
        labels[key] === value && !(state === "stopped" && stopAskedAtMs !== null),
    );
    const from = Number(query.get("continue") ?? 0);
    const to = from + Math.min(this.pageSize, Number(query.get("limit") ?? Infinity));
    const metadata = to < found.length ? { continue: String(to) } : {};
    const items = found.slice(from, to).map(({ id }) => this.bodyOf(id));
    return { status: 200, body: { kind: "JobList", apiVersion: "batch/v1", metadata, items } };
  }

  private remove(name: string, query: URLSearchParams): FakeReply {
    const machine = this.machines.all.get(name);
    if (machine === undefined) return failure(404, "NotFound", `"${name}" not found`);
    if (query.get("propagationPolicy") !== "Foreground") {
      // Left to the background, pods outlive the Job and nobody sees them.
      return failure(400, "BadRequest", "the fake cloud wants foreground deletion");
    }
    this.machines.stop(name);
    return { status: 200, body: this.bodyOf(name) };
  }

  private bodyOf(name: string): object {
    const body = this.bodies.get(name);
    const machine = this.machines.all.get(name);
    if (body === undefined || machine === undefined) return {};
    const { stopAskedAtMs } = machine;
    const deletion =
      stopAskedAtMs === null ? {} : { deletionTimestamp: new Date(stopAskedAtMs).toISOString() };
    return { ...body, metadata: { ...body.metadata, ...deletion }, status: statusOf(machine) };
  }
}

function statusOf({ state, exitCode }: Machine): object {
  if (state === "stopped") {
    return { conditions: [{ type: exitCode === 0 ? "Complete" : "Failed", status: "True" }] };
  }
  return state === "pending" ? { active: 1, ready: 0 } : { active: 1, ready: 1 };
}

export async function openFakeKubernetes(setting: CloudSetting): Promise<FakeCloud> {
  const cluster = new FakeKubernetes(setting);
  const server = await serveJson((request) => cluster.handle(request));
  return {
    machines: cluster.machines,
    faults: cluster.faults,
    get requestCount() {
      return server.requestCount;
    },
    connect: (patience) =>
      KubernetesPlatform.open({
        name: "cluster",
        owner: "hearth-test",
        namespace: "gpu",
        image: "ghcr.io/example/worker:1",
        gpuResource: "nvidia.com/gpu",
        gpuCount: 1,
        nodeSelector: { "cloud.google.com/gke-accelerator": "nvidia-l4" },
        requests: { cpu: "4", memory: "16Gi" },
        serviceAccount: null,
        graceSeconds: 30,
        offer: { gpu: "l4", region: null, isSpot: false },
        access: { kind: "server", url: server.url, token: "test", skipsTlsCheck: true },
        patience,
      }),
    close: async () => {
      cluster.machines.close();
      await server.close();
    },
  };
}
