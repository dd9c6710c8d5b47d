import { describe, expect, it } from "vitest";

import { cloudFixture } from "../../../test/fake-cloud/cloud.ts";
import { openFakeCloudRun } from "../../../test/fake-cloud/cloud-run.ts";
import { describeCloud, launchSpec } from "../platform.suite.ts";
import { failureOf, runJobRequest, statusOf, type CloudRunPlace } from "./map.ts";

describe("Google Cloud Run", () => {
  describeCloud(() => cloudFixture(openFakeCloudRun));
});

const place: CloudRunPlace = {
  project: "p",
  location: "us-east4",
  job: "worker",
  container: "worker",
  image: "worker:2",
  offer: { gpu: "l4", region: "us-east4", isSpot: false },
};

const execution = {
  name: "projects/p/locations/us-east4/jobs/worker/executions/e",
  runningCount: 1,
  template: {
    containers: [
      {
        name: "worker",
        image: "worker:2",
        env: [{ name: "HEARTH_INSTANCE_ID", value: "token-1" }],
      },
    ],
    nodeSelector: { accelerator: "nvidia-l4" },
  },
};

describe("the Cloud Run map", () => {
  it("overrides the variables of one execution, and nothing else of the job", () => {
    const spec = launchSpec();
    expect(runJobRequest(place, spec)).toMatchObject({
      name: "projects/p/locations/us-east4/jobs/worker",
      overrides: { taskCount: 1, containerOverrides: [{ name: "worker" }] },
    });
  });

  it.each([
    [{}, "running"],
    [{ runningCount: 0 }, "pending"],
    [{ conditions: [{ executionReason: "CANCELLING" as const }] }, "terminating"],
    [{ completionTime: { seconds: 1 } }, undefined],
    [{ template: { containers: [{ name: "worker", image: "worker:1" }] } }, "obsolete"],
  ])("reads an execution with %j as %s", (change, state) => {
    expect(statusOf({ ...execution, ...change }, place)?.state).toBe(state);
  });

  it("tells the accelerator that an execution has", () => {
    expect(statusOf(execution, place)).toMatchObject({
      clientToken: "token-1",
      hardware: { gpu: "nvidia-l4", region: "us-east4" },
    });
  });

  it.each([
    [
      { code: 8, reason: "RATE_LIMIT_EXCEEDED", statusDetails: [{ retryDelay: { seconds: "3" } }] },
      { kind: "throttled", retryAfterMs: 3_000 },
    ],
    [
      { code: 8, message: "Quota violated: L4" },
      { kind: "quota", reason: "Quota violated: L4" },
    ],
    [
      { code: 7, message: "denied" },
      { kind: "refused", reason: "denied" },
    ],
    [{ code: 5 }, { kind: "missing" }],
    [{ code: 14 }, { kind: "unreachable" }],
    [new Error("socket hang up"), { kind: "unreachable" }],
  ])("reads the error %j as %j", (thrown, failure) => {
    expect(failureOf(thrown)).toEqual(failure);
  });
});
