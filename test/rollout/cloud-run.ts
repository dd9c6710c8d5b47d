import { protos } from "@google-cloud/run";
import { PassThroughClient } from "google-auth-library";

import { releaseMark } from "../../src/deploy/plan/resource.ts";
import { cloudRunResources } from "../../src/deploy/resources/cloud-run.ts";
import { CloudRunDeployer } from "../../src/platforms/cloud-run/deployer.ts";
import type { FakeReply, FakeRequest } from "../fake-cloud/http.ts";
import { Gate, serveBehind, type FakeManagement } from "./management.ts";

const parent = "projects/test/locations/us-east-1";
const jobType = "type.googleapis.com/google.cloud.run.v2.Job";
const { Job } = protos.google.cloud.run.v2;

interface JobBody {
  readonly labels?: Readonly<Record<string, string>>;
  readonly template: {
    readonly template: {
      readonly timeout?: string;
      readonly containers: readonly { readonly env?: readonly object[] }[];
    };
  };
}

function failure(code: number, status: string, message: string): FakeReply {
  return { status: code, body: { error: { code, status, message, details: [] } } };
}

/** Cloud Run's jobs over REST; a body with a field that the proto does not know is refused. */
export async function openCloudRunManagement(): Promise<FakeManagement> {
  const jobs = new Map<string, JobBody>();
  const operation = (name: string): FakeReply => {
    const metadata = { "@type": jobType, name: `${parent}/jobs/${name}` };
    return { status: 200, body: { name: `${parent}/operations/1`, metadata, done: false } };
  };
  const put = (name: string, body: unknown): FakeReply => {
    const unknown = unknownFields(body);
    if (unknown.length > 0) return failure(400, "INVALID_ARGUMENT", `unknown: ${unknown.join()}`);
    const job = body as JobBody;
    if (!/^\d+s$/u.test(job.template.template.timeout ?? "")) {
      return failure(400, "INVALID_ARGUMENT", "timeout is no duration");
    }
    jobs.set(name, job);
    return operation(name);
  };
  const handle = ({ method, path, query, body }: FakeRequest): FakeReply => {
    if (method === "POST" && path === `/v2/${parent}/jobs`) {
      const name = query.get("jobId") ?? "";
      return jobs.has(name) ? failure(409, "ALREADY_EXISTS", name) : put(name, body);
    }
    const [, name = "", rest] =
      new RegExp(`^/v2/${parent}/jobs/([^/]+)(/executions)?$`, "u").exec(path) ?? [];
    const found = jobs.get(name);
    if (found === undefined) return failure(404, "NOT_FOUND", path);
    if (rest !== undefined) return { status: 200, body: { executions: [] } };
    if (method === "PATCH") return put(name, body);
    if (method === "DELETE") {
      jobs.delete(name);
      return operation(name);
    }
    return { status: 200, body: shown(name, found) };
  };
  const gate = new Gate();
  const server = await serveBehind(gate, handle);
  return {
    url: server.url,
    gate,
    place: { project: "test" },
    wanted: cloudRunResources,
    open: (patience) =>
      CloudRunDeployer.open(
        {
          protocol: "http",
          apiEndpoint: "127.0.0.1",
          port: Number(new URL(server.url).port),
          authClient: new PassThroughClient(),
        },
        { project: "test", region: "us-east-1" },
        patience,
      ),
    drift: () => {
      for (const [name, job] of jobs) {
        const { template } = job.template;
        const containers = template.containers.map((each) => ({
          ...each,
          image: "somebody/else:1",
          env: [...(each.env ?? []), { name: "DEBUG", value: "1" }],
        }));
        jobs.set(name, {
          ...job,
          template: { ...job.template, template: { ...template, containers } },
        });
      }
      return ["containers[worker].image", "env[DEBUG]"];
    },
    markedCount: () => [...jobs.values()].filter(({ labels = {} }) => releaseMark in labels).length,
    close: () => server.close(),
  };
}

/** Google refuses fields that it does not know; the proto's own reader would drop them. */
function unknownFields(body: unknown): readonly string[] {
  const known = new Set(Object.keys(Object.getPrototypeOf(Job.create({})) as object));
  return Object.keys(body ?? {}).filter((key) => !known.has(key) && key !== "name");
}

/** What Cloud Run fills in. */
function shown(name: string, job: JobBody): object {
  const { template } = job.template;
  return {
    ...job,
    name: `${parent}/jobs/${name}`,
    uid: "4b2f",
    generation: "1",
    launchStage: "GA",
    createTime: "2026-11-01T00:00:00Z",
    labels: { ...job.labels, "goog-managed-by": "cloudfunctions" },
    template: {
      parallelism: 1,
      ...job.template,
      template: { serviceAccount: "1-compute@developer.gserviceaccount.com", ...template },
    },
  };
}
