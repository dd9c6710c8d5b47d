import { randomUUID } from "node:crypto";

import { z } from "zod";

import { runpodMarks, runpodResources } from "../../src/deploy/resources/runpod.ts";
import { RunpodDeployer } from "../../src/platforms/runpod/deployer.ts";
import type { FakeReply, FakeRequest } from "../fake-cloud/http.ts";
import { Gate, serveBehind, type FakeManagement } from "./management.ts";

const workers = z.strictObject({ min: z.int().min(0), max: z.int().min(0) });
/** Unknown fields are a 422 in the REST API v2; so is an idle timeout beside `REQUEST_COUNT`. */
const endpointSchema = z.strictObject({
  name: z.string().min(1),
  type: z.enum(["QUEUE", "LOAD_BALANCER"]),
  scaling: z.strictObject({ type: z.literal("REQUEST_COUNT"), requestCount: z.int().min(1) }),
  workers,
  gpu: z.strictObject({
    pools: z.array(z.string()).min(1),
    count: z.int().min(1),
    excludedTypes: z.array(z.string()).optional(),
  }),
  image: z.string().min(1),
  disk: z.int().min(1),
  env: z.record(z.string(), z.string()),
  timeout: z.int().optional(),
  flashboot: z.enum(["OFF", "FLASHBOOT", "PRIORITY_FLASHBOOT"]).optional(),
});
const patchSchema = endpointSchema.omit({ type: true }).partial();

type Endpoint = z.infer<typeof endpointSchema> & { readonly id: string };

function problem(status: number, title: string): FakeReply {
  return {
    status,
    headers: { "content-type": "application/problem+json" },
    body: { title, status, errors: [] },
  };
}

/** RunPod's endpoints by its REST API v2. */
export async function openRunpodManagement(): Promise<FakeManagement> {
  const endpoints = new Map<string, Endpoint>();
  const handle = ({ method, path, headers, body }: FakeRequest): FakeReply => {
    if (headers.authorization !== "Bearer test") return problem(401, "Unauthorized");
    if (path === "/serverless" && method === "GET") {
      return { status: 200, body: { serverless: [...endpoints.values()].map(shown) } };
    }
    if (path === "/serverless" && method === "POST") {
      const parsed = endpointSchema.safeParse(body);
      if (!parsed.success) return problem(422, parsed.error.message);
      const id = randomUUID().slice(0, 8);
      const made = { timeout: 0, flashboot: "OFF" as const, ...parsed.data, id };
      endpoints.set(id, made);
      return { status: 201, body: shown(made) };
    }
    const [, id = "", rest = ""] = /^\/serverless\/([^/]+)(\/workers)?$/u.exec(path) ?? [];
    const found = endpoints.get(id);
    if (found === undefined) return problem(404, path);
    if (rest !== "") return { status: 200, body: { workers: [], summary: {} } };
    if (method === "PATCH") {
      const parsed = patchSchema.safeParse(body);
      if (!parsed.success) return problem(422, parsed.error.message);
      // Only what was sent; zod's own type has the absent fields as undefined.
      endpoints.set(id, Object.assign({ ...found }, parsed.data));
    }
    if (method === "DELETE") endpoints.delete(id);
    return { status: 200, body: shown(endpoints.get(id) ?? found) };
  };
  const gate = new Gate();
  const server = await serveBehind(gate, handle);
  return {
    url: server.url,
    gate,
    place: {},
    wanted: runpodResources,
    open: async (patience) =>
      new RunpodDeployer({ apiKey: "test", managementUrl: server.url }, patience),
    drift: () => {
      for (const [id, each] of endpoints) {
        endpoints.set(id, {
          ...each,
          workers: { min: 0, max: 1 },
          env: { ...each.env, DEBUG: "1" },
        });
      }
      return ["workers.max", "env.DEBUG"];
    },
    markedCount: () =>
      [...endpoints.values()].filter(({ env }) => runpodMarks.release in env).length,
    close: () => server.close(),
  };
}

/** What RunPod fills in besides. */
function shown(endpoint: Endpoint): object {
  const { gpu, workers: counts } = endpoint;
  return {
    ...endpoint,
    gpu: { excludedTypes: [], ...gpu },
    workers: { ...counts, idleTimeout: 5 },
    dataCenterIds: [],
    networkVolumes: [],
    createdAt: "2026-11-01T00:00:00Z",
    requestUrls: { run: `https://api.runpod.ai/v2/${endpoint.id}/run` },
  };
}
