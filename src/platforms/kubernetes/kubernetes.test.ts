import type { V1Job } from "@kubernetes/client-node";
import { Job } from "kubernetes-models/batch/v1/Job";
import { describe, expect, it } from "vitest";

import { cloudFixture } from "../../../test/fake-cloud/cloud.ts";
import { openFakeKubernetes } from "../../../test/fake-cloud/kubernetes.ts";
import { describeCloud, launchSpec } from "../platform.suite.ts";
import { failureOf, jobOf, statusOf, type KubernetesPlace } from "./map.ts";

describe("Kubernetes", () => {
  describeCloud(() => cloudFixture(openFakeKubernetes));
});

const place: KubernetesPlace = {
  owner: "hearth-1",
  namespace: "gpu",
  image: "worker:1",
  gpuResource: "nvidia.com/mig-1g.10gb",
  gpuCount: 1,
  nodeSelector: {},
  requests: {},
  serviceAccount: "workers",
  graceSeconds: 600,
  offer: { gpu: "a100-80", region: null, isSpot: false },
};

function job(change: Partial<V1Job> = {}): V1Job {
  const status = { active: 1, ready: 1 };
  return Object.assign(jobOf(place, launchSpec(), "hash"), { status }, change);
}

const condition = (type: string): Partial<V1Job> => ({
  status: { conditions: [{ type, status: "True" }] },
});

describe("the Kubernetes map", () => {
  it("makes a Job that Kubernetes' own schema takes, without a second try of its own", () => {
    const spec = launchSpec();
    const made = jobOf(place, spec, "hash");
    expect(() => new Job(made as never).validate()).not.toThrow();
    expect(made.spec).toMatchObject({ backoffLimit: 0 });
    const [container] = made.spec!.template.spec!.containers;
    expect(container?.resources?.limits).toEqual({ "nvidia.com/mig-1g.10gb": "1" });
    expect(JSON.stringify(made.metadata)).not.toContain(spec.enrollmentToken);
  });

  it("makes a Job without a GPU where none is asked for", () => {
    const made = jobOf({ ...place, gpuResource: null }, launchSpec(), "hash");
    expect(made.spec?.template.spec).not.toHaveProperty("tolerations");
  });

  it.each([
    [job(), "running"],
    [job({ status: { active: 1, ready: 0 } }), "pending"],
    [job({ status: {} }), "pending"],
    [job(condition("Complete")), undefined],
    [job(condition("Failed")), undefined],
  ])("reads a Job (%#) as %s", (made, state) => {
    expect(statusOf(made, place, "hash")?.state).toBe(state);
  });

  it("finds a Job obsolete that was made with other settings, and sees one that is leaving", () => {
    expect(statusOf(job(), place, "other")?.state).toBe("obsolete");
    const leaving = job();
    leaving.metadata!.deletionTimestamp = new Date(0);
    expect(statusOf(leaving, place, "hash")?.state).toBe("terminating");
  });

  it.each([
    [
      { code: 429, headers: { "retry-after": "3" } },
      { kind: "throttled", retryAfterMs: 3_000 },
    ],
    [{ code: 404 }, { kind: "missing" }],
    [
      { code: 403, body: '{"message":"exceeded quota: gpus"}' },
      { kind: "quota", reason: "exceeded quota: gpus" },
    ],
    [
      { code: 401, body: { message: "who?" } },
      { kind: "refused", reason: "who?" },
    ],
    [{ code: 503 }, { kind: "unreachable" }],
    [new TypeError("fetch failed"), { kind: "unreachable" }],
  ])("reads the error %j as %j", (thrown, failure) => {
    expect(failureOf(thrown, 0)).toEqual(failure);
  });
});
