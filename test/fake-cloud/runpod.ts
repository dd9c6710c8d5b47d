import { randomUUID } from "node:crypto";

import { z } from "zod";

import { RunpodPlatform } from "../../src/platforms/runpod/platform.ts";
import type { CloudSetting, FakeCloud } from "./cloud.ts";
import { Faults } from "./faults.ts";
import { serveJson, type FakeReply, type FakeRequest } from "./http.ts";
import { Machines, type Machine } from "./machines.ts";

const endpointId = "fake1234";
const configured = { min: 0, max: 10 };
const dayMs = 86_400_000;

/** What `/run` takes; the limits are those of the documentation. */
const runSchema = z.strictObject({
  input: z.strictObject({
    hearth: z.strictObject({ environment: z.record(z.string(), z.string()) }),
  }),
  webhook: z.url().optional(),
  policy: z
    .strictObject({
      executionTimeout: z
        .int()
        .min(5_000)
        .max(7 * dayMs),
      ttl: z
        .int()
        .min(10_000)
        .max(7 * dayMs),
      lowPriority: z.boolean().optional(),
    })
    .optional(),
});

/**
 * Unknown fields of a body are a 422 in the REST API v2, and so is `idleTimeout` for a queue that is
 * scaled by its requests, as the one is that we render.
 */
const patchSchema = z.strictObject({
  workers: z.strictObject({ min: z.int().min(0), max: z.int().min(0) }).optional(),
});

function problem(status: number, title: string): FakeReply {
  const headers = {
    "content-type": "application/problem+json",
    ...(status === 429 && { "retry-after": "2" }),
  };
  return { status, headers, body: { title, status, errors: [] } };
}

/** RunPod's job API and the part of its REST API v2 that concerns one endpoint. */
class FakeRunpod {
  readonly machines: Machines;
  readonly faults = new Faults();
  workers = { ...configured };

  constructor(setting: CloudSetting) {
    this.machines = new Machines({ ...setting, graceMs: 0 });
  }

  handle({ method, path, body, headers }: FakeRequest): FakeReply {
    if (headers.authorization !== "Bearer test") return problem(401, "Unauthorized");
    if (path.startsWith("/rest/serverless/")) return this.manage(method, path, body);
    const [, verb = "", id = ""] =
      new RegExp(`^/jobs/${endpointId}/([a-z-]+)(?:/(.+))?$`, "u").exec(path) ?? [];
    if (method === "POST" && verb === "run") return this.run(body);
    if (method === "GET" && verb === "status") return this.status(id);
    if (method === "POST" && verb === "cancel") return this.cancel(id);
    return problem(404, `${method} ${path}`);
  }

  private run(body: unknown): FakeReply {
    const fault = this.faults.take("throttled", "capacity", "quota", "refused", "lost_reply");
    if (fault === "throttled") return problem(429, "Too many requests");
    if (fault === "refused") return problem(401, "Unauthorized");
    if (fault === "quota") return problem(403, "Your spend limit is reached");
    const parsed = runSchema.safeParse(body);
    if (!parsed.success) return problem(400, parsed.error.message);
    const { environment } = parsed.data.input.hearth;
    const token = environment["HEARTH_INSTANCE_ID"] ?? "";
    const id = `${randomUUID()}-e1`;
    // What RunPod's handler would know of its own job.
    const variables = { ...environment, HEARTH_EXTERNAL_ID: id };
    this.machines.add(variables, { token }, fault === "capacity", id);
    return { status: 200, body: { id, status: "IN_QUEUE" }, isLost: fault === "lost_reply" };
  }

  private status(id: string): FakeReply {
    const machine = this.machines.all.get(id);
    if (machine === undefined) return problem(404, "job not found");
    const { state } = machine;
    const worker = state === "pending" ? {} : { workerId: workerOf(machine) };
    return { status: 200, body: { id, status: statusOf(machine), delayTime: 1, ...worker } };
  }

  private cancel(id: string): FakeReply {
    if (!this.machines.all.has(id)) return problem(404, "job not found");
    this.machines.stop(id);
    return { status: 200, body: { id, status: "CANCELLED" } };
  }

  private manage(method: string, path: string, body: unknown): FakeReply {
    const rest = path.slice("/rest/serverless/".length);
    if (rest === `${endpointId}/workers` && method === "GET") {
      const workers = this.machines.living().map((machine) => ({
        id: workerOf(machine),
        status: "RUNNING",
        gpuTypeId: "NVIDIA RTX A5000",
      }));
      return { status: 200, body: { workers, summary: {} } };
    }
    if (rest !== endpointId) return problem(404, path);
    if (method === "PATCH") {
      const parsed = patchSchema.safeParse(body);
      if (!parsed.success) return problem(422, parsed.error.message);
      this.workers = parsed.data.workers ?? this.workers;
    }
    const scaling = { type: "REQUEST_COUNT", requestCount: 1 };
    const { workers } = this;
    return { status: 200, body: { id: endpointId, type: "QUEUE", scaling, workers } };
  }
}

function workerOf({ id }: Machine): string {
  return `w-${id.slice(0, 8)}`;
}

function statusOf({ state, stopAskedAtMs, exitCode }: Machine): string {
  if (stopAskedAtMs !== null) return "CANCELLED";
  if (state === "pending") return "IN_QUEUE";
  if (state === "running") return "IN_PROGRESS";
  return exitCode === 0 ? "COMPLETED" : "FAILED";
}

export async function openFakeRunpod(setting: CloudSetting): Promise<FakeCloud> {
  const runpod = new FakeRunpod(setting);
  const server = await serveJson((request) => runpod.handle(request));
  return {
    machines: runpod.machines,
    faults: runpod.faults,
    get requestCount() {
      return server.requestCount;
    },
    connect: (patience) =>
      RunpodPlatform.open({
        name: "runpod",
        endpointId,
        offer: { gpu: "AMPERE_24", region: null, isSpot: false },
        maxRunMs: dayMs,
        workers: { ...configured, idleTimeout: 5 },
        access: {
          apiKey: "test",
          jobUrl: `${server.url}/jobs`,
          managementUrl: `${server.url}/rest`,
        },
        patience,
      }),
    // Nobody has used the endpoint for three days.
    drift: () => {
      runpod.workers = { ...configured, max: 2 };
    },
    isDrifted: () => runpod.workers.max !== configured.max,
    close: async () => {
      runpod.machines.close();
      await server.close();
    },
  };
}
