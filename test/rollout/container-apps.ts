import { z } from "zod";

import { releaseMark } from "../../src/deploy/plan/resource.ts";
import { containerAppsResources } from "../../src/deploy/resources/container-apps.ts";
import { ContainerAppsDeployer } from "../../src/platforms/container-apps/deployer.ts";
import { loopbackCertificate } from "../fakes/loopback-certificate.ts";
import type { FakeReply, FakeRequest } from "../fake-cloud/http.ts";
import { Gate, serveBehind, type FakeManagement } from "./management.ts";

const subscriptionId = "00000000-0000-0000-0000-000000000001";
const jobs = `/subscriptions/${subscriptionId}/resourceGroups/gpu/providers/Microsoft.App/jobs`;

/** What a job may be, as Azure documents it. */
const jobSchema = z.strictObject({
  location: z.string(),
  tags: z.record(z.string(), z.string()),
  identity: z.strictObject({ type: z.enum(["None", "SystemAssigned", "UserAssigned"]) }),
  properties: z.strictObject({
    environmentId: z.string().startsWith("/subscriptions/"),
    workloadProfileName: z.string().min(1),
    configuration: z.strictObject({
      triggerType: z.literal("Manual"),
      replicaRetryLimit: z.int().min(0),
      replicaTimeout: z.int().min(1),
      manualTriggerConfig: z.strictObject({
        parallelism: z.int().min(1),
        replicaCompletionCount: z.int().min(1),
      }),
      secrets: z.array(
        z.strictObject({ name: z.string(), keyVaultUrl: z.url(), identity: z.string() }),
      ),
    }),
    template: z.strictObject({
      containers: z
        .array(
          z.strictObject({
            name: z.string(),
            image: z.string(),
            env: z.array(
              z.strictObject({
                name: z.string(),
                value: z.string().optional(),
                secretRef: z.string().optional(),
              }),
            ),
            resources: z.strictObject({ cpu: z.number(), memory: z.string() }),
          }),
        )
        .min(1),
    }),
  }),
});
type JobBody = z.infer<typeof jobSchema>;

function failure(status: number, code: string, message: string): FakeReply {
  return { status, body: { error: { code, message } } };
}

/** Jobs of Azure Resource Manager, over TLS as it insists. */
export async function openContainerAppsManagement(): Promise<FakeManagement> {
  const stored = new Map<string, JobBody>();
  const handle = ({ method, path, query, body, headers }: FakeRequest): FakeReply => {
    if (headers.authorization !== "Bearer test") return failure(401, "Unauthorized", "who?");
    if (!/^\d{4}-\d\d-\d\d$/u.test(query.get("api-version") ?? "")) {
      return failure(400, "MissingApiVersionParameter", "the api-version is missing");
    }
    const [, name = "", rest] = new RegExp(`^${jobs}/([^/]+)(/executions)?$`, "u").exec(path) ?? [];
    if (rest !== undefined) return { status: 200, body: { value: [] } };
    if (method === "PUT" && name !== "") {
      const parsed = jobSchema.safeParse(body);
      if (!parsed.success) return failure(400, "InvalidRequestContent", parsed.error.message);
      stored.set(name, parsed.data);
    }
    const found = stored.get(name);
    if (found === undefined) return failure(404, "ResourceNotFound", `${path} was not found`);
    if (method === "DELETE") {
      stored.delete(name);
      return { status: 200 };
    }
    return { status: 200, body: shown(name, found) };
  };
  const gate = new Gate();
  const tls = await loopbackCertificate();
  const server = await serveBehind(gate, handle, undefined, tls);
  return {
    url: server.url,
    gate,
    place: {
      gpu: "t4",
      subscriptionId,
      resourceGroup: "gpu",
      environment: `/subscriptions/${subscriptionId}/resourceGroups/gpu/providers/Microsoft.App/managedEnvironments/workers`,
      workloadProfile: "gpu",
      tokenSecretUrl: "https://vault.example/secrets/hearth-worker-token",
    },
    wanted: containerAppsResources,
    open: (patience) =>
      ContainerAppsDeployer.open(
        {
          getToken: async () => ({ token: "test", expiresOnTimestamp: Number.MAX_SAFE_INTEGER }),
        },
        { endpoint: server.url, tlsOptions: { ca: tls.cert } },
        { subscriptionId, resourceGroup: "gpu" },
        patience,
      ),
    drift: () => {
      for (const [name, job] of stored) stored.set(name, changedByHand(job));
      return ["containers[worker].image", "env[DEBUG]"];
    },
    markedCount: () => [...stored.values()].filter(({ tags }) => releaseMark in tags).length,
    close: () => server.close(),
  };
}

function changedByHand(job: JobBody): JobBody {
  const { template } = job.properties;
  const changed = (each: (typeof template.containers)[number]) => {
    const env = [...each.env, { name: "DEBUG", value: "1" }];
    return { ...each, image: "somebody/else:1", env };
  };
  const containers = template.containers.map(changed);
  return { ...job, properties: { ...job.properties, template: { containers } } };
}

/** What Azure fills in. */
function shown(name: string, job: JobBody): object {
  return {
    id: `${jobs}/${name}`,
    name,
    type: "Microsoft.App/jobs",
    ...job,
    identity: { ...job.identity, principalId: "p", tenantId: "t" },
    properties: {
      ...job.properties,
      provisioningState: "Succeeded",
      outboundIpAddresses: [],
      eventStreamEndpoint: "https://azure.example/events",
    },
  };
}
